import type { AnswerHead } from '../idempotency/answer'
import type { Caller } from '../keys/authenticate'
import type { Hold } from '../limits/admit'
import {
  LOG_RECORD_VERSION,
  type LogAttempt,
  type LogBody,
  type LogRecord,
  type LogTags,
} from '../logs/log-record'
import { sourceOf } from '../providers/target'
import { customerOf, type GatewayParameters } from './gateway-parameters'
import type { Intake } from './intake'
import type { Ending, Exchange } from './stages'
import { traceOf } from './tracing'
import { loggableBody } from './upstream-body'

/** What is known of a request so far; a request that is refused early leaves a record of just that. */
export interface Known {
  caller?: Caller
  intake?: Intake
  authenticatedAtMs?: number
  plannedAtMs?: number
  attempts: LogAttempt[]
  hold?: Hold
  /** The answer is another request's, which made the call: whatever that cost is in its own row. */
  replayed?: AnswerHead
  /** Is told the request's end. */
  onEnd?(ending: Ending): void
  /** The gateway has repeated the call as often as it may; a client should not begin again. */
  isExhausted?: boolean
}

const MAX_TEXT = 1_000
const NONE = {}

/** The log record of a request that has ended. */
export function recordOf(exchange: Exchange, known: Known, ending: Ending): LogRecord {
  const { request, protocol, logId, startedAtMs } = exchange
  const { caller, intake, replayed } = known
  const target = ending.target
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
    path: new URL(request.url).pathname,
    userAgent: userAgent === null ? undefined : userAgent.slice(0, MAX_TEXT),
    logType: protocol.logType ?? 'chat',
    protocol: protocol.id,
    stream: intake?.stream === true && intake.wantsBytes !== true,
    model: target?.model ?? replayed?.model ?? intake?.model?.slice(0, MAX_TEXT),
    upstreamModel: target?.upstreamModel ?? lastAttempt?.upstreamModel,
    providerId: target?.providerId ?? lastAttempt?.providerId,
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
    prices: target?.prices,
    pricesAs: target?.pricesAs,
    timeToFirstTokenMs:
      ending.firstContentAtMs === undefined ? undefined : ending.firstContentAtMs - startedAtMs,
    routingMs: (known.plannedAtMs ?? ending.endedAtMs) - startedAtMs,
    attempts: attemptsOf(known, ending),
    dropped: [...(intake?.ignored ?? []), ...(ending.losses ?? [])],
    tags: intake === undefined ? {} : tagsOf(intake.parameters),
    ...(trace === undefined ? {} : { trace }),
    ...bodiesOf(intake, ending),
  }
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

function tagsOf(parameters: GatewayParameters): LogTags {
  const { customer_params: customer } = parameters
  return {
    customerIdentifier: customerOf(parameters),
    customerEmail: parameters.customer_email ?? customer?.email ?? undefined,
    customerName: parameters.customer_name ?? customer?.name ?? undefined,
    threadIdentifier: parameters.thread_identifier ?? undefined,
    customIdentifier: parameters.custom_identifier ?? undefined,
    groupIdentifier: parameters.group_identifier ?? undefined,
    metadata: parameters.metadata ?? undefined,
    properties: parameters.properties ?? undefined,
    note: parameters.note ?? undefined,
    category: parameters.category ?? undefined,
    positiveFeedback: parameters.positive_feedback ?? undefined,
  }
}
