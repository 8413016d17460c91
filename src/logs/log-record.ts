import * as z from 'zod'
import { pricesSchema, usageSchema } from '../providers/stored-shapes'
import { LOG_RECORD_VERSION } from './message-versions'

const credentialKind = z.enum(['none', 'secret', 'stored', 'override', 'load_balance', 'customer'])

const attemptSchema = z.object({
  providerId: z.string(),
  model: z.string(),
  upstreamModel: z.string(),
  credentialKind,
  startedAtMs: z.number(),
  latencyMs: z.number(),
  statusCode: z.number(),
  errorCode: z.string().optional(),
  errorMessage: z.string().optional(),
  /** Which rule of the plan chose the target. */
  reason: z.string().optional(),
  /** It was asked before in this request. */
  isRetry: z.boolean().optional(),
  errorClass: z.string().optional(),
  /** How long the provider asked to be left alone. */
  retryAfterMs: z.number().optional(),
  /** How long the gateway waited before this attempt. */
  waitedMs: z.number().optional(),
})

/** A body rides in the message, or lies in R2 already, or could not be kept (and the row says why). */
const bodySchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('inline'),
    bytes: z.custom<Uint8Array>((value) => value instanceof Uint8Array),
  }),
  z.object({ kind: z.literal('object'), key: z.string(), sizeBytes: z.number() }),
  z.object({ kind: z.literal('lost'), reason: z.string(), sizeBytes: z.number() }),
])

const tagsSchema = z.object({
  customerIdentifier: z.string().optional(),
  customerEmail: z.string().optional(),
  customerName: z.string().optional(),
  threadIdentifier: z.string().optional(),
  customIdentifier: z.string().optional(),
  groupIdentifier: z.string().optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  note: z.string().optional(),
  category: z.string().optional(),
  positiveFeedback: z.boolean().optional(),
})

/** What the response cache had to do with a request. */
const cacheSchema = z.object({
  status: z.enum(['hit', 'miss', 'joined']),
  key: z.string(),
  /** How old the answer was. */
  ageMs: z.number().optional(),
  /** Its request wants no row of its own; the roll-ups count it. */
  isOmitted: z.boolean().optional(),
})

/** The limits that a request was counted on, with what they stood at. */
const limitInfoSchema = z.object({
  isAllowed: z.boolean(),
  limits: z.array(
    z.object({
      name: z.string(),
      scope: z.string(),
      metric: z.string(),
      window: z.string(),
      action: z.enum(['warn', 'block']),
      /** US dollars for cost. */
      currentValue: z.number(),
      newValue: z.number(),
      limitValue: z.number(),
      isWithinLimit: z.boolean(),
      /** Of the policy: the same for as long as the limit is not deleted. */
      policyId: z.string().optional(),
      subject: z.string().optional(),
      /** 0 for a count that never starts anew. */
      windowStartMs: z.number().optional(),
      /** Null when the count never starts anew. */
      resetsAtMs: z.number().nullish(),
      /** The first request beyond this value in this window: the one that is told of, once. */
      crossed: z.literal(true).optional(),
      /** Nobody can tell what the request costs. */
      isPriceUnknown: z.literal(true).optional(),
    }),
  ),
})

/** The stored prompt that a request was made from. */
const promptSchema = z.object({
  id: z.string(),
  name: z.string(),
  /** Absent where whoever sent the log did not tell it. */
  version: z.number().optional(),
  label: z.string().optional(),
  variables: z.record(z.string(), z.unknown()).optional(),
})

/** Where a request stands in a trace. */
const traceSchema = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  traceName: z.string().optional(),
  traceGroupIdentifier: z.string().optional(),
  sessionIdentifier: z.string().optional(),
  spanName: z.string().optional(),
  spanPath: z.string().optional(),
  workflowName: z.string().optional(),
  /** Of W3C Trace Context, as it came. */
  traceState: z.string().optional(),
  /** The caller does not record its trace, so that nothing of it is exported. */
  isUnsampled: z.boolean().optional(),
})

/** The queue message, one per request: the contract between the gateway and the consumer worker. */
export const logRecordSchema = z.object({
  version: z.literal(LOG_RECORD_VERSION),
  id: z.string(),
  startedAtMs: z.number(),
  endedAtMs: z.number(),
  environment: z.enum(['prod', 'test']),
  apiKeyId: z.string().optional(),
  apiKeyName: z.string().optional(),
  method: z.string(),
  path: z.string(),
  userAgent: z.string().optional(),
  logType: z.string(),
  /** The protocol of the bodies. */
  protocol: z.string().optional(),
  stream: z.boolean(),
  model: z.string().optional(),
  upstreamModel: z.string().optional(),
  providerId: z.string().optional(),
  credentialKind: credentialKind.optional(),
  /** The request whose answer this one was given again. */
  replayOf: z.string().optional(),
  ending: z.enum(['completed', 'cancelled', 'failed']),
  statusCode: z.number(),
  errorCode: z.string().optional(),
  errorMessage: z.string().optional(),
  finishReason: z.string().optional(),
  responseId: z.string().optional(),
  usage: z.optional(usageSchema),
  usageSource: z.enum(['provider', 'estimated', 'partial']).optional(),
  prices: z.optional(pricesSchema),
  pricesAs: z.string().optional(),
  timeToFirstTokenMs: z.number().optional(),
  routingMs: z.number(),
  attempts: z.array(attemptSchema),
  dropped: z.array(z.string()),
  tags: tagsSchema,
  cache: cacheSchema.optional(),
  limitInfo: limitInfoSchema.optional(),
  prompt: promptSchema.optional(),
  trace: traceSchema.optional(),
  /** How the record came here: a request through the gateway, when absent. */
  logMethod: z.enum(['gateway', 'api', 'otlp']).optional(),
  /** The cost that its sender told, for a request that did not go through the gateway. */
  givenCostNanoUsd: z.number().optional(),
  requestBody: bodySchema.optional(),
  responseBody: bodySchema.optional(),
})

export type LogRecord = z.infer<typeof logRecordSchema>
export type LogAttempt = z.infer<typeof attemptSchema>
export type LogBody = z.infer<typeof bodySchema>
export type LogCache = z.infer<typeof cacheSchema>
export type LogLimitInfo = z.infer<typeof limitInfoSchema>
export type LogPrompt = z.infer<typeof promptSchema>
export type LogTrace = z.infer<typeof traceSchema>
export type LogTags = z.infer<typeof tagsSchema>
