import type { WireProtocolId } from '../protocols/protocol'
import type { Target } from './target'

/** What a call's headers depend on. */
export interface HeaderCall {
  target: Target
  body?: unknown
  contentType?: string
  accept?: string
  isStream: boolean
  /** The client's own headers; a few of them are the provider's business. */
  clientHeaders: Headers
  extraHeaders?: Readonly<Record<string, string>> | undefined
  traceHeaders?: Readonly<Record<string, string>> | undefined
}

/** The client's headers that go on to any provider: none of them can hold a Sluice key. */
const FORWARDED = ['idempotency-key', 'http-referer', 'x-title']
const OPENAI = ['openai-beta', 'openai-organization', 'openai-project']

/** The client's headers that go on to providers that speak a protocol, and the defaults of those it must have. */
const byProtocol: Readonly<
  Record<WireProtocolId, { forwarded: readonly string[]; fixed?: Readonly<Record<string, string>> }>
> = {
  'openai-chat': { forwarded: OPENAI },
  'openai-responses': { forwarded: OPENAI },
  anthropic: {
    forwarded: ['anthropic-version', 'anthropic-beta'],
    fixed: { 'anthropic-version': '2023-06-01' },
  },
  gemini: { forwarded: ['x-goog-user-project'] },
  'bedrock-converse': { forwarded: [] },
}

/** A list: what the endpoint, the client and the provider's owner ask for comes together. */
const MERGED = 'anthropic-beta'

/** Of those that go on, the ones that may change an answer. */
const STEERING = ['anthropic-beta', 'openai-beta']

/** What of a request's headers may change its answer: the client's own, and those that it asks to be sent along. */
export function steeringHeaders(
  client: Headers,
  sent: Readonly<Record<string, string>> | null | undefined,
): Record<string, string> | undefined {
  const steering = STEERING.flatMap((name): [string, string][] => {
    const value = client.get(name)
    return value === null ? [] : [[name, value]]
  })
  const extra = Object.entries(sent ?? {}).map(([name, value]) => [name.toLowerCase(), value] as const)
  const all = [...steering, ...extra]
  return all.length === 0 ? undefined : Object.fromEntries(all)
}

/** Headers that say who pays, where a call goes or how it is framed: a request may not set them upstream. */
const RESERVED =
  /^(?:authorization|proxy-.*|x-api-key|api-key|x-goog-api-key|x-amz-.*|cookie|host|connection|content-.*|transfer-encoding|accept-encoding|te|trailer|upgrade|expect|forwarded|x-forwarded-.*|cf-.*)$/i

/** The first of these headers that a request may not set, if there is one. */
export function reservedHeader(headers: Readonly<Record<string, string>>): string | undefined {
  return Object.keys(headers).find((name) => RESERVED.test(name) || !/^[\w-]+$/.test(name))
}

/** The headers of a call: fixed ones, then the client's, then those that authorize it. */
export function callHeaders(
  call: HeaderCall,
  authorizing: readonly (readonly [string, string])[],
): Record<string, string> {
  const { target, clientHeaders } = call
  const { forwarded, fixed } = byProtocol[target.protocol]
  const headers: Record<string, string> = {
    accept: call.accept ?? usualAccept(call),
    // A compressed stream would arrive in blocks, and a compressed reply would only be unpacked here.
    'accept-encoding': 'identity',
    'user-agent': 'sluice/0.1',
    ...fixed,
    ...target.headers,
  }
  if (call.body !== undefined) headers['content-type'] = call.contentType ?? 'application/json'
  const put = (name: string, value: string) => {
    headers[name] = name === MERGED ? merged(headers[name], value) : value
  }
  for (const name of [...FORWARDED, ...forwarded]) {
    const value = clientHeaders.get(name)
    if (value !== null) put(name, value)
  }
  for (const name in call.traceHeaders) headers[name] = call.traceHeaders[name] ?? ''
  for (const name in call.extraHeaders) put(name.toLowerCase(), call.extraHeaders[name] ?? '')
  for (const [name, value] of authorizing) put(name, value)
  // There the version is in the body.
  if (target.urlStyle === 'vertex-anthropic') delete headers['anthropic-version']
  return headers
}

function usualAccept({ target, isStream }: HeaderCall): string {
  if (!isStream) return 'application/json'
  return target.protocol === 'bedrock-converse' ? 'application/vnd.amazon.eventstream' : 'text/event-stream'
}

function merged(one: string | undefined, other: string): string {
  const items = `${one ?? ''},${other}`.split(',').map((item) => item.trim())
  return [...new Set(items.filter((item) => item !== ''))].join(',')
}
