import * as z from 'zod/mini'

/** What is said before the bytes of an answer: how it begins for everyone who gets it, and who gave it. */
const headSchema = z.object({
  status: z.number(),
  headers: z.array(z.tuple([z.string(), z.string()])),
  /** Of the call that was made. */
  logId: z.string(),
  model: z.optional(z.string()),
  upstreamModel: z.optional(z.string()),
  providerId: z.optional(z.string()),
})

/** What is said behind them: how the call ended. */
const endSchema = z.object({
  /** A repeat is given this answer instead of a call of its own. */
  isKept: z.boolean(),
  /** The connection is to break off, as it did for the call's own client. */
  isCut: z.boolean(),
  kind: z.enum(['completed', 'cancelled', 'failed']),
  statusCode: z.number(),
  failure: z.optional(z.object({ code: z.string(), message: z.string() })),
  finishReason: z.optional(z.string()),
  responseId: z.optional(z.string()),
})

/** The beginning of an answer. */
export type AnswerHead = z.infer<typeof headSchema>
/** The end of an answer. */
export type AnswerEnd = z.infer<typeof endSchema>

const decoder = new TextDecoder()

/** The head that a frame's payload holds. */
export function decodeHead(payload: Uint8Array): AnswerHead {
  return headSchema.parse(JSON.parse(decoder.decode(payload)))
}

/** The end that a frame's payload holds. */
export function decodeEnd(payload: Uint8Array): AnswerEnd {
  return endSchema.parse(JSON.parse(decoder.decode(payload)))
}
