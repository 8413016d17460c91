import type { CacheEntry } from '../cache/entry'
import type { AnswerHead } from '../idempotency/answer'
import type { Caller } from '../keys/authenticate'
import type { CountedLimit, Hold } from '../limits/reserve'
import type { OutputWish } from '../limits/wish'
import type { LogAttempt, LogBody, LogCache, LogRecord, LogTags } from '../logs/log-record'
import { tagsOf } from '../logs/log-tags'
import { LOG_RECORD_VERSION } from '../logs/message-versions'
import type { Settings } from '../platform/settings'
import { pathOf } from '../platform/url-path'
import { sourceOf } from '../providers/target'
import { bodyPolicyOf, keepsBodies } from './body-policy'
import type { Caching } from './caching'
import type { GatewayParameters } from './gateway-parameters'
import { headerMetadata } from './header-metadata'
import type { Intake } from './intake'
import { limitInfoOf } from './limit-info'
import type { ModelLimits } from './model-limits'
import { loggedPrompt } from './prompt-log'
import type { UsedPrompt } from './prompted'
import type { Ending, Exchange } from './stages'
import { traceOf } from './tracing'
import { type Barred, isPriceUnknown } from './unpriced'
import { loggableBody } from './upstream-body'

/** What is known of a request so far; a request that is refused early leaves a record of just that. */
export interface Known {
  caller?: Caller
  intake?: Intake
  authenticatedAtMs?: number
  plannedAtMs?: number
  attempts: LogAttempt[]
  hold?: Hold
  /** Where its limits stood, whether they let it in or not. */
  limits?: CountedLimits
  /** The limits on the models that it may come to behind its first; absent where there is nothing to ask. */
  models?: ModelLimits
  /** The targets that it must not come to. */
  barred?: Barred
  /** Attempts at such targets that were not made, and are told once another target is looked for. */
  skipped?: LogAttempt[]
  /** How long the ledgers took. */
  limitsMs?: number
  /** What it was expected to write, for the ledgers to learn from. */
  output?: OutputWish
  /** The answer is another request's, which made the call: whatever that cost is in its own row. */
  replayed?: AnswerHead
  /** How the request takes part in the response cache. */
  caching?: Caching
  /** How long its key and the look-up took. */
  lookUpMs?: number
  /** What the response cache had to do with it. */
  cache?: LogCache
  /** The answer was kept from another request: nobody was called. */
  cached?: CacheEntry
  /** Tells those who wait for the same answer how it ended, and whether it is kept. */
  tellOthers?(ending: Ending, keeping: Promise<boolean>): void
  /** What the operator set for all requests. */
  settings?: Settings
  /** How it ended, from then on. */
  ending?: Ending
  /** The stored prompt that it was made from. */
  prompt?: UsedPrompt
  /** Is told the request's end. */
  onEnd?(ending: Ending): void
  /** The gateway has repeated the call as often as it may; a client should not begin again. */
  isExhausted?: boolean
}

/** The limits that a request was counted on. */
export interface CountedLimits {
  isAllowed: boolean
  counted: readonly CountedLimit[]
  /** Those that an answer's headers tell, where it came to another model's; all when absent. */
  headed?: readonly CountedLimit[]
  /** Models that it may come to and nobody can tell the price of, while some limit counts cost. */
  unpriced: ReadonlySet<string> | 'all'
}

const MAX_TEXT = 1_000
const NONE = {}

/** The log record of a request that has ended. */
export function recordOf(exchange: Exchange, known: Known, ending: Ending): LogRecord {
  const { request, protocol, logId, startedAtMs } = exchange
  const { caller, intake, replayed } = known
  const target = ending.target
  const origin = target ?? originOf(known.cached)
  const lastAttempt = known.attempts.at(-1) ?? replayed
  const userAgent = request.headers.get('user-agent')
  const trace = traceOf(request.headers, intake?.parameters ?? NONE, logId)
  return {
    version: LOG_RECORD_VERSION,
    id: logId,
    startedAtMs,
    endedAtMs: ending.endedAtMs,
    environment: caller?.environment ?? 'prod',
    apiKeyId: caller?.apiKeyId,
    apiKeyName: caller?.apiKeyName,
    method: request.method,
    path: pathOf(request.url),
    userAgent: userAgent === null ? undefined : userAgent.slice(0, MAX_TEXT),
    logType: protocol.logType ?? 'chat',
    protocol: protocol.id,
    stream: intake?.stream === true && intake.wantsBytes !== true,
    model: origin?.model ?? replayed?.model ?? intake?.model?.slice(0, MAX_TEXT),
    upstreamModel: origin?.upstreamModel ?? lastAttempt?.upstreamModel,
    providerId: origin?.providerId ?? lastAttempt?.providerId,
    credentialKind:
      target === undefined ? known.attempts.at(-1)?.credentialKind : sourceOf(target.credential),
    replayOf: replayed?.logId,
    ending: ending.kind,
    statusCode: ending.statusCode,
    errorCode: ending.failure?.code,
    errorMessage: ending.failure?.message.slice(0, MAX_TEXT),
    finishReason: ending.facts?.finishReason,
    responseId: ending.facts?.responseId,
    usage: ending.usage,
    usageSource: ending.usageSource,
    prices: origin?.prices,
    pricesAs: origin?.pricesAs,
    timeToFirstTokenMs:
      ending.firstContentAtMs === undefined ? undefined : ending.firstContentAtMs - startedAtMs,
    routingMs: (known.plannedAtMs ?? ending.endedAtMs) - startedAtMs,
    attempts: attemptsOf(known, ending),
    dropped: [...(intake?.ignored ?? []), ...(ending.losses ?? [])],
    tags: intake === undefined ? {} : tagsWith(intake.parameters, request.headers),
    trace,
    limitInfo: limitInfoFor(known),
    cache: known.cache,
    prompt: loggedPrompt(known.prompt, intake),
    ...(known.cache?.isOmitted === true || !keepsBodies(bodyPolicyOf(caller, known.settings), ending, logId)
      ? {}
      : bodiesOf(intake, ending)),
  }
}

function limitInfoFor(known: Known) {
  const { limits } = known
  return limits === undefined ? undefined : limitInfoOf({ ...limits, isPriceUnknown: isPriceUnknown(known) })
}

// Where a kept answer came from, and what it would cost there.
function originOf(cached: CacheEntry | undefined) {
  if (cached === undefined) return undefined
  const { model, upstreamModel, providerId } = cached.reply.head
  const { prices, pricesAs } = cached.about
  return { model, upstreamModel, providerId, prices, pricesAs }
}

// An attempt that began well and broke later is told as it ended.
function attemptsOf({ attempts }: Known, { failure, statusCode }: Ending): LogAttempt[] {
  const last = attempts.at(-1)
  if (failure === undefined || last === undefined || last.errorCode !== undefined) return attempts
  const broken = {
    ...last,
    statusCode,
    errorCode: failure.code,
    errorMessage: failure.message.slice(0, MAX_TEXT),
    ...(failure.class === undefined ? {} : { errorClass: failure.class }),
  }
  return [...attempts.slice(0, -1), broken]
}

function bodiesOf(
  intake: Intake | undefined,
  ending: Ending,
): { requestBody?: LogBody; responseBody?: LogBody } {
  if (intake === undefined || intake.parameters.disable_log === true) return {}
  return {
    ...(intake.bytes.byteLength === 0
      ? {}
      : { requestBody: { kind: 'inline', bytes: loggableBody(intake) } }),
    ...(ending.responseBody === undefined
      ? {}
      : { responseBody: { kind: 'inline', bytes: ending.responseBody } }),
  }
}

function tagsWith(parameters: GatewayParameters, headers: Headers): LogTags {
  const tags = tagsOf(parameters)
  const fromHeaders = headerMetadata(headers)
  // What the body says wins.
  return fromHeaders === undefined ? tags : { ...tags, metadata: { ...fromHeaders, ...tags.metadata } }
}
