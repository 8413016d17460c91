import type { WireProtocolId } from '../protocols/protocol'

/** What is wrong with an upstream base URL, in words for its owner; undefined when nothing is. */
export function problemWithBaseUrl(text: string, mayBePrivate: boolean): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined)
    return `"${text}" is not a URL. Give the provider's base, such as https://api.example.com/v1.`
  if (url.username !== '' || url.password !== '')
    return 'The URL must not hold a user name or password; use api_key.'
  if (text.includes('#')) return 'The URL must not have a fragment (#...).'
  const isPrivate = isPrivateHost(url.hostname)
  if (isPrivate && !mayBePrivate) {
    return `${url.hostname} is a private or loopback address. Set ALLOW_PRIVATE_UPSTREAMS=true to allow it.`
  }
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isPrivate)) return undefined
  return 'The URL must use https.'
}

/**
 * Whether a host is, or is by its name, inside a private network. URL has already normalised decimal, octal and
 * shortened IPv4 forms. Of a name only what it says can be told here, not what it resolves to; workers do not reach
 * private addresses in any case.
 */
export function isPrivateHost(hostname: string): boolean {
  const host = hostname.toLowerCase().replace(/\.$/, '')
  if (host.startsWith('[')) return isPrivateIpv6(host.slice(1, -1))
  if (/^\d+\.\d+\.\d+\.\d+$/.test(host)) return isPrivateIpv4(host)
  if (!host.includes('.') || INTERNAL_NAMES.test(host)) return true
  const isWildcard = WILDCARD_NAMES.test(host)
  const addresses = addressesIn(host, isWildcard)
  return addresses.some(isPrivateIpv4) || (isWildcard && addresses.length === 0)
}

const INTERNAL_NAMES =
  /(^|\.)(localhost|localdomain\d?|local|internal|intranet|private|lan|home|corp|svc|home\.arpa)$/

/** Public DNS services that answer with the address which the name says, or always with this machine's. */
const WILDCARD_NAMES =
  /(^|\.)(nip\.io|sslip\.io|xip\.io|traefik\.me|local-ip\.(?:co|medicmobile\.org)|localtest\.me|lvh\.me|vcap\.me|lacolhost\.com|localho\.st|fuf\.me)$/

/** The IPv4 addresses that a name holds as labels; where a service reads them so, with dashes and in hexadecimal, too. */
function addressesIn(host: string, isWildcard: boolean): string[] {
  const labels = host.split(isWildcard ? /[.-]/ : '.')
  const dotted = labels.flatMap((_, at) => {
    const four = labels.slice(at, at + 4)
    return four.length === 4 && four.every((label) => /^\d{1,3}$/.test(label)) ? [four.join('.')] : []
  })
  const hexadecimal = isWildcard ? labels.filter((label) => /^[\da-f]{8}$/.test(label)) : []
  return [...dotted, ...hexadecimal.map((label) => new URL(`http://0x${label}`).hostname)]
}

// The special-purpose blocks that lead nowhere public (IANA IPv4 Special-Purpose Address Registry, RFC 6890).
function isPrivateIpv4(host: string): boolean {
  const [a = 0, b = 0, c = 0] = host.split('.').map(Number)
  if (a === 0 || a === 10 || a === 127 || a >= 224) return true
  if (a === 100) return b >= 64 && b <= 127
  if (a === 172) return b >= 16 && b <= 31
  return (
    (a === 169 && b === 254) ||
    (a === 192 && (b === 168 || (b === 0 && (c === 0 || c === 2)))) ||
    (a === 198 && (b === 18 || b === 19))
  )
}

// Unspecified, loopback, unique local, link local, site local, multicast, and every form that wraps an IPv4 address.
function isPrivateIpv6(address: string): boolean {
  return /^(::|f[cd]|fe[89a-f]|ff|64:ff9b:|2002:|2001:0:|0:)/.test(address)
}

/**
 * A provider's base with its version, from the URL that its owner wrote: without the protocol's path when it ends so,
 * as it is when it ends in a version (`/v1`, `/v1beta/openai`) or where a cloud has it elsewhere, and with `/v1` behind
 * it otherwise (`/v1beta` for Gemini).
 */
export function upstreamBase(written: string, protocol: WireProtocolId = 'openai-chat'): string {
  const url = new URL(written)
  const path = url.pathname.replace(/\/+$/, '')
  const { operation, version } = BASES[protocol]
  if (operation !== '' && path.endsWith(operation)) url.pathname = path.slice(0, -operation.length)
  else url.pathname = HAS_VERSION.test(path) ? path : `${path}${version}`
  return url.href.replace(version === '' ? /\/$/ : /$^/, '')
}

/** What ends the URL of a protocol's call, and what is put behind a base that has no version. */
const BASES: Readonly<Record<WireProtocolId, { operation: string; version: string }>> = {
  'openai-chat': { operation: '/chat/completions', version: '/v1' },
  'openai-responses': { operation: '/responses', version: '/v1' },
  anthropic: { operation: '/messages', version: '/v1' },
  gemini: { operation: '', version: '/v1beta' },
  'bedrock-converse': { operation: '', version: '' },
}

/** A version at the end, or before what Azure (deployments) and Vertex AI (publishers) have behind it. */
const HAS_VERSION =
  /\/v\d+[a-z0-9.]*(?:\/openai)?$|\/openai\/deployments\/[^/]+$|\/publishers\/[^/]+$|\/endpoints\/openapi$/i

/** A base with an operation's path, before the query string that the base may have; the path may have one too. */
export function joinPath(base: string, path: string): string {
  const [front, query] = cut(base)
  const [operation, own] = cut(path)
  const queries = [query, own].filter((one) => one !== undefined)
  return `${front.replace(/\/$/, '')}${operation}${queries.length === 0 ? '' : `?${queries.join('&')}`}`
}

function cut(text: string): [string, string | undefined] {
  const at = text.indexOf('?')
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}
