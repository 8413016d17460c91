/** A form as a client writes it, with its boundary. */
export async function written(form: FormData): Promise<{ bytes: Uint8Array; contentType: string }> {
  const response = new Response(form)
  return {
    bytes: new Uint8Array(await response.arrayBuffer()),
    contentType: response.headers.get('content-type') ?? '',
  }
}

/** A form from its fields, in their order; bytes become a file. */
export function formOf(fields: readonly (readonly [string, string | Uint8Array<ArrayBuffer>])[]): FormData {
  const form = new FormData()
  for (const [name, value] of fields) {
    if (typeof value === 'string') form.append(name, value)
    else form.append(name, new File([value], 'a "b".mp3', { type: 'audio/mpeg' }))
  }
  return form
}

/** Bytes that look like the edges of parts, but are none. */
export const HARD_BYTES = new TextEncoder()
  .encode(
    '\r\n--\r\n\r\r\n--x\r\n----\r\nContent-Disposition: form-data; name="model"\r\n\r\nevil\r\n\u0000\u00ff--',
  )
  .slice()

/** What any reader of forms finds in these bytes. */
export async function fieldsIn(
  bytes: Uint8Array,
  contentType: string,
): Promise<[string, string | number[]][]> {
  const form = await new Response(bytes.slice(), { headers: { 'content-type': contentType } }).formData()
  return Promise.all(
    [...form].map(
      async ([name, value]): Promise<[string, string | number[]]> => [
        name,
        typeof value === 'string' ? value : [...new Uint8Array(await value.arrayBuffer())],
      ],
    ),
  )
}
