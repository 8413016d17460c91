/** How the bytes of the usual images begin, in base64. */
const BEGINNINGS: readonly (readonly [string, string])[] = [
  ['iVBORw0KGgo', 'image/png'],
  ['/9j/', 'image/jpeg'],
  ['R0lGOD', 'image/gif'],
  ['UklGR', 'image/webp'],
]

/**
 * The media type of an image by its bytes, else as the client says. OpenAI looks at the bytes only, so its clients
 * often say something else (`image/jpg`, a PNG called JPEG), which other providers answer with an error.
 */
export function imageTypeOf({ base64, mediaType }: { base64: string; mediaType: string }): string {
  const known = BEGINNINGS.find(([beginning]) => base64.startsWith(beginning))
  const said = (mediaType.split(';', 1)[0] ?? '').trim().toLowerCase()
  return known?.[1] ?? (said === 'image/jpg' ? 'image/jpeg' : said)
}
