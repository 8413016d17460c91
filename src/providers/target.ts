import type { Failure } from '../platform/failure'
import type { Timeouts } from '../platform/lifeline'
import type { ModelTraits } from '../protocols/codec'
import type { WireProtocolId } from '../protocols/protocol'

/** What a custom model costs, in US dollars per million tokens. */
export interface ModelPrices {
  inputCost: number | null
  outputCost: number | null
  cacheHitInputCost: number | null
  cacheCreationInputCost: number | null
}

/** How an upstream call is paid: what the log tells of the credential, and where it is. The value is not in here. */
export type Credential =
  | { kind: 'none' }
  | { kind: 'secret'; name: string }
  | { kind: 'stored'; sealed: string; context: string; from?: 'load_balance' }
  /** Brought by the request itself: in memory only, as `credential-fields.ts` reads it. */
  | { kind: 'request'; from: BroughtFrom; text: string }

/** Which gateway parameter brought a credential. */
export type BroughtFrom = 'override' | 'load_balance' | 'customer'

/** What a log may tell of a credential. */
export type CredentialSource = 'none' | 'secret' | 'stored' | BroughtFrom

/** Whose credential it is, in one word. */
export function sourceOf(credential: Credential): CredentialSource {
  if (credential.kind === 'request') return credential.from
  return credential.kind === 'stored' ? (credential.from ?? 'stored') : credential.kind
}

/** Why a target is one: which rule put it into the plan. */
export type Reason =
  | 'requested'
  | 'pinned'
  | 'load_balance'
  | 'router'
  | 'other_key'
  | 'fallback:request'
  | 'fallback:model'
  | 'fallback:platform'

/** How a credential is put on a call. */
export type Auth =
  | { kind: 'bearer' }
  | { kind: 'header'; header: string }
  | { kind: 'none' }
  /** Signed with access keys, or a bearer token; the region is the credential's or the host's when absent. */
  | { kind: 'aws'; region?: string }
  /** An access token for a service account. */
  | { kind: 'google' }

/** How an operation's path becomes a URL where it is not simply put behind the base. */
export type UrlStyle = 'azure-deployments' | 'vertex-anthropic'

/** What an endpoint wants changed in a body of its protocol; what the client set itself is not inserted again. */
export interface BodyEdits {
  remove: readonly string[]
  insert: Readonly<Record<string, unknown>>
}

/** One place that may answer a request: which provider, which model there, how to call it and what it costs. */
export interface Target {
  providerId: string
  /** Its canonical name: a custom model's own, or `{provider}/{upstream model}`. */
  model: string
  /** As the provider names it. */
  upstreamModel: string
  protocol: WireProtocolId
  /** Of the upstream model; {} when nothing is known. */
  traits: ModelTraits
  /** With the version, ready to be followed by an operation's path; unused when `builtIn`. */
  url: string
  urlStyle?: UrlStyle
  bodyEdits?: BodyEdits
  /** Sent with every call; a client's own value goes first where it may set one. */
  headers?: Readonly<Record<string, string>>
  auth: Auth
  credential: Credential
  sealedHeaders?: { sealed: string; context: string }
  /** Why it was chosen; absent where there was nothing to choose. */
  reason?: Reason
  /** Tokens that fit into it, where that is known. */
  contextWindow?: number
  /** Why it cannot be called; it is tried like the others, so that the log tells. */
  problem?: Failure
  /** Answered inside the worker. */
  builtIn?: true
  refusesStreamOptions?: true
  /** Of its provider: from a call to its first content. */
  timeoutMs?: number
  /** Of its custom model, before what its provider says. */
  timeouts?: Partial<Omit<Timeouts, 'attemptMs'>>
  /** Parameters for a request that does not set them. */
  defaults?: Readonly<Record<string, number>>
  prices?: ModelPrices
  /** The provider's id in the price data. */
  pricesAs?: string
}
