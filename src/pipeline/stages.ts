import type { CacheEntry } from '../cache/entry'
import type { RecordedReply } from '../cache/recorded-reply'
import type { CacheEnv } from '../cache/response-cache'
import type { FlightsEnv } from '../flights/share'
import type { IdempotencyEnv } from '../idempotency/claim'
import type { Caller } from '../keys/authenticate'
import type { LimitsEnv } from '../limits/reserve'
import type { LogAttempt } from '../logs/log-record'
import type { Effects } from '../platform/effects'
import type { Env } from '../platform/env'
import type { Lifeline, Timeouts } from '../platform/lifeline'
import type { AnswerFacts, Usage, UsageSource } from '../protocols/canonical'
import type { StandIns } from '../protocols/codec'
import type { Address, Protocol, StreamFilter, StreamReader } from '../protocols/protocol'
import type { ChatRequest } from '../protocols/request'
import type { PriceService } from '../providers/asked-prices'
import type { Target } from '../providers/target'
import type { FailureClass } from '../routing/failure-class'
import type { Health } from '../routing/health'
import type { RetryPolicy } from '../routing/retry-policy'
import type { Caching } from './caching'
import type { Intake } from './intake'

/** The gateway worker's bindings. */
export type GatewayEnv = Env & LimitsEnv & IdempotencyEnv & CacheEnv & FlightsEnv & ConsumerEnv

/** The consumer worker, bound by its entrypoint for the gateway. */
export interface ConsumerEnv {
  MANAGEMENT: Pick<Fetcher, 'fetch'> & PriceService
}

/** One HTTP request on an inference route, and what serves it. */
export interface Exchange {
  request: Request
  env: GatewayEnv
  effects: Effects
  background(work: Promise<unknown>): void
  protocol: Protocol
  /** What the path says of the request. */
  address?: Address
  logId: string
  startedAtMs: number
}

/** What there is to do: an authenticated request, and the targets that may answer it. */
export interface Job extends Exchange {
  caller: Caller
  intake: Intake
  /** The request in canonical form; made when it is first asked for. */
  decoded(): ChatRequest
  targets: readonly Target[]
  timeouts: Timeouts
  /** Nothing goes on after this, whichever target it is at. */
  deadlineAtMs: number
  retry: RetryPolicy
  /** Aborts when nobody wants the answer any more: the client, or those whom this request calls for as well. */
  signal: AbortSignal
  health: Health
  /** Grows by one with each upstream call. */
  attempts: LogAttempt[]
  /** The answer may be kept for others, and one that was kept may do. */
  caching?: Caching
  /** Such an answer. */
  entry?: CacheEntry
}

/** A whole reply that was read and found good. */
export interface WholeAnswer {
  kind: 'whole'
  target: Target
  headers: Headers
  /** In the client's protocol. */
  body: Uint8Array
  losses: readonly string[]
  facts: AnswerFacts
  firstContentAtMs: number
  /** As the upstream sent it; absent when nobody was asked. */
  received?: { bytes: Uint8Array; standIns: StandIns }
}

/** A stream whose first content has come; `prelude` is what came until then. */
export interface OpenStream {
  kind: 'stream'
  target: Target
  headers: Headers
  source: ReadableStream<Uint8Array>
  prelude: Uint8Array
  reader: StreamReader
  lifeline: Lifeline
  firstContentAtMs: number
  losses: readonly string[]
  /** Makes other bytes of the upstream's; its own go on natively when absent. */
  filter?: StreamFilter | undefined
  /** The client gets another protocol's words. */
  isTranslated: boolean
  /** Tools that stand in for something else upstream. */
  standIns: StandIns
  /** Gives the upstream's bytes to those who wait for the same answer; the client is not the only one then. */
  tellOthers?(bytes: Uint8Array): void
}

/** What an attempt brings. */
export type Answer = WholeAnswer | OpenStream

/** How a request ended, in one form for all ways that lead there. */
export interface Ending {
  kind: 'completed' | 'cancelled' | 'failed'
  statusCode: number
  /** With its class where the upstream is at fault behind the first content. */
  failure?: { code: string; message: string; class?: FailureClass }
  target?: Target
  facts?: AnswerFacts
  losses?: readonly string[]
  usage?: Usage
  usageSource?: UsageSource
  responseBody?: Uint8Array
  firstContentAtMs?: number
  endedAtMs: number
  /** The upstream's own reply, where it may be kept. */
  received?: RecordedReply
}

/** A usage from the texts, for an answer whose provider told none; nothing where the texts do not tell either. */
export function estimatedUsage(
  { protocol, intake }: Job,
  response: Uint8Array,
): Pick<Ending, 'usage' | 'usageSource'> {
  const usage = protocol.estimateUsage(intake.bytes, response, intake.stream)
  return usage === undefined ? {} : { usage, usageSource: 'estimated' }
}
