import type { Failure } from '../platform/failure'
import type { ProtocolId } from '../protocols/protocol'

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
  | { kind: 'stored'; sealed: string; context: string }

/** How a credential is put on a call. */
export type Auth = { kind: 'bearer' } | { kind: 'header'; header: string } | { kind: 'none' }

/** One place that may answer a request: which provider, which model there, how to call it and what it costs. */
export interface Target {
  providerId: string
  /** Its canonical name: a custom model's own, or `{provider}/{upstream model}`. */
  model: string
  /** As the provider names it. */
  upstreamModel: string
  protocol: ProtocolId
  /** With the version, ready to be followed by the protocol's path; unused when `builtIn`. */
  url: string
  auth: Auth
  credential: Credential
  sealedHeaders?: { sealed: string; context: string }
  /** Why it cannot be called; it is tried like the others, so that the log tells. */
  problem?: Failure
  /** Answered inside the worker. */
  builtIn?: true
  refusesStreamOptions?: true
  timeoutMs?: number
  /** Parameters for a request that does not set them. */
  defaults?: Readonly<Record<string, number>>
  prices?: ModelPrices
  /** The provider's id in the price data. */
  pricesAs?: string
}
