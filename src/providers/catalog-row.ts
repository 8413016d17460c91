import type { WireProtocolId } from '../protocols/protocol'
import type { Auth, BodyEdits, UrlStyle } from './target'

/** One protocol that a provider speaks, and where. */
export interface Endpoint {
  protocol: WireProtocolId
  /** As the provider documents it, so that the protocol's path behind it is the call; `{NAME}` is a worker variable. */
  baseUrl: string
  auth: Auth
  headers?: Readonly<Record<string, string>>
  urlStyle?: UrlStyle
  bodyEdits?: BodyEdits
  /** The upstream models that are served here; all of them when absent. */
  models?: RegExp
  /** A worker variable that this endpoint is for: there only when it is set. */
  onlyWith?: string
  /** A worker variable that hides this endpoint when it is set. */
  onlyWithout?: string
}

/** A provider's endpoints in the order of preference for clients of a protocol that it does not speak. */
export type Endpoints = readonly [Endpoint, ...Endpoint[]]

/** A built-in provider: where it is, what it speaks there, and what enables it. */
export interface CatalogProvider {
  /** The prefix in `{provider}/{model}`. */
  id: string
  name: string
  endpoints: Endpoints
  /** The worker secrets that enable the provider, each by itself; the first that is set is used. */
  secrets: readonly string[]
  /** The prefixes other gateways use for the same provider. */
  aliases?: readonly string[]
  /** Slugs that belong here when they come without a provider prefix. */
  models?: RegExp
  /** The provider's id in @pydantic/genai-prices. */
  pricesAs?: string
  /** Tells the usage of a stream unasked and refuses `stream_options`, as unknown fields. */
  refusesStreamOptions?: true
  /** Runs on the developer's machine: only usable where private upstreams are allowed. */
  local?: true
}

/** What a row may say beyond where it is. */
export type RowExtras = Pick<CatalogProvider, 'aliases' | 'models' | 'pricesAs' | 'refusesStreamOptions'>

const BEARER = { kind: 'bearer' } as const

/** An endpoint that takes the key as a bearer token. */
export function bearer(protocol: WireProtocolId, baseUrl: string, more: Partial<Endpoint> = {}): Endpoint {
  return { protocol, baseUrl, auth: BEARER, ...more }
}

/** An endpoint that takes the key in a header of its own. */
export function keyed(
  protocol: WireProtocolId,
  header: string,
  baseUrl: string,
  more: Partial<Endpoint> = {},
): Endpoint {
  return { protocol, baseUrl, auth: { kind: 'header', header }, ...more }
}

/** A provider on the network; a base URL alone is one of OpenAI Chat Completions. */
export function hosted(
  id: string,
  name: string,
  where: string | Endpoints,
  secret: string | readonly string[],
  extras: RowExtras = {},
): CatalogProvider {
  const endpoints: Endpoints = typeof where === 'string' ? [bearer('openai-chat', where)] : where
  const secrets = typeof secret === 'string' ? [secret] : secret
  return { id, name, endpoints, secrets, ...extras }
}

/** A server on the developer's machine, which wants no key. */
export function local(
  id: string,
  name: string,
  baseUrl: string,
  protocols: readonly WireProtocolId[],
  extras: RowExtras = {},
): CatalogProvider {
  const at = (protocol: WireProtocolId): Endpoint => ({ protocol, baseUrl, auth: { kind: 'none' } })
  const endpoints: Endpoints = [at('openai-chat'), ...protocols.map(at)]
  return { ...hosted(id, name, endpoints, [], extras), local: true }
}
