import type { Target } from './target'

/** Where a provider's URLs come back through the gateway: what begins with `root` is told as beginning with `base`. */
export interface Mirror {
  root: string
  base: string
}

/** The client's headers that go on; none of them can hold a Sluice key. */
const SENT =
  /^(?:accept|content-type|range|if-(?:none-)?match|if-range|if-modified-since|idempotency-key|x-goog-(?:upload-[\w-]+|user-project|request-params)|anthropic-[\w-]+|openai-[\w-]+)$/

/** The provider's headers that a client may see. */
const PASSED =
  /^(?:content-(?:type|disposition|range|language)|accept-ranges|etag|last-modified|retry-after(?:-ms)?|x-should-retry|(?:x-)?request-id|apim-request-id|x-ms-request-id|openai-[\w-]+|anthropic-ratelimit-[\w-]+|x-ratelimit-[\w-]+|x-goog-upload-[\w-]+)$/

/** Headers whose value is a URL of the provider's. */
const URLS: ReadonlySet<string> = new Set([
  'location',
  'x-goog-upload-url',
  'x-goog-upload-control-url',
  'x-goog-upload-chunk-url',
])

/** What a call is sent with, but for what authorizes it. */
export function sentHeaders(client: Headers, target: Target, hasBody: boolean): Record<string, string> {
  const headers: Record<string, string> = {
    accept: '*/*',
    // A compressed answer would only be unpacked here.
    'accept-encoding': 'identity',
    'user-agent': 'sluice/0.1',
    ...target.headers,
  }
  for (const [name, value] of client)
    if (SENT.test(name) && (hasBody || name !== 'content-type')) headers[name] = value
  return headers
}

/** What of an answer's headers goes to the client. A URL that does not lead back through the gateway is left out. */
export function passedHeaders(upstream: Headers, mirror: Mirror | undefined): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of upstream) {
    if (URLS.has(name)) {
      const led = mirror === undefined ? undefined : mirrored(value, mirror)
      if (led !== undefined) headers[name] = led
    } else if (PASSED.test(name)) headers[name] = value
  }
  return headers
}

function mirrored(url: string, { root, base }: Mirror): string | undefined {
  if (url.startsWith(`${root}/`)) return `${base}${url.slice(root.length)}`
  // A path alone is one below the provider's origin.
  const { pathname } = new URL(root)
  const front = pathname === '/' ? '' : pathname
  const isBelow = url.startsWith(`${front}/`) && !url.startsWith('//')
  return isBelow ? `${base}${url.slice(front.length)}` : undefined
}
