import * as z from 'zod/mini'
import { type EntryFacts, entryFactsSchema, replyHeadSchema } from './entry'
import type { ReplyHead } from './recorded-reply'

const headSchema = z.object({ reply: replyHeadSchema, about: entryFactsSchema })
const told = z.pick(entryFactsSchema, {
  usage: true,
  usageSource: true,
  finishReason: true,
  responseId: true,
})
const endSchema = z.extend(told, {
  /** Nothing is missing, as far as its protocol tells. */
  isComplete: z.boolean(),
  isKept: z.boolean(),
})

/** What is said of a reply that is shared while it comes, before its bytes. */
export interface SharedHead {
  reply: ReplyHead
  about: EntryFacts
}
/** What is said behind them. */
export type SharedEnd = z.infer<typeof endSchema>

const decoder = new TextDecoder()

/** The head that a frame's payload holds; undefined when another release wrote it in another way. */
export function decodeSharedHead(payload: Uint8Array): SharedHead | undefined {
  return headSchema.safeParse(JSON.parse(decoder.decode(payload))).data
}

/** The end that a frame's payload holds; undefined likewise. */
export function decodeSharedEnd(payload: Uint8Array): SharedEnd | undefined {
  return endSchema.safeParse(JSON.parse(decoder.decode(payload))).data
}
