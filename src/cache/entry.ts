import * as z from 'zod/mini'
import { concat } from '../platform/json-edit'
import type { WireProtocolId } from '../protocols/protocol'
import { isWireProtocolId } from '../protocols/table'
import { pricesSchema, usageSchema } from '../providers/stored-shapes'
import type { RecordedReply } from './recorded-reply'

/** Raised when entries are written in another way; those of another format are misses. */
const ENTRY_FORMAT = 1

const standInsSchema = z.object({
  structuredOutput: z.optional(z.string()),
  customTools: z.optional(z.array(z.string())),
  renamed: z.optional(z.record(z.string(), z.string())),
})

/** What is stored of `ReplyHead`. */
export const replyHeadSchema = z.object({
  protocol: z.custom<WireProtocolId>((value) => typeof value === 'string' && isWireProtocolId(value)),
  isStream: z.boolean(),
  contentType: z.string(),
  standIns: standInsSchema,
  providerId: z.string(),
  model: z.string(),
  upstreamModel: z.string(),
})

/** What is stored of an answer beside the reply itself. */
export const entryFactsSchema = z.object({
  /** When its request came: what was cleared since then is not served. */
  askedAtMs: z.number(),
  createdAtMs: z.number(),
  expiresAtMs: z.number(),
  /** The request whose answer it is. */
  logId: z.string(),
  /** The end user whom that request was for. */
  customer: z.optional(z.string()),
  hasToolCalls: z.boolean(),
  /** What the provider was not told. */
  losses: z.array(z.string()),
  usage: z.optional(usageSchema),
  usageSource: z.optional(z.enum(['provider', 'estimated', 'partial'])),
  finishReason: z.optional(z.string()),
  responseId: z.optional(z.string()),
  prices: z.optional(pricesSchema),
  pricesAs: z.optional(z.string()),
})

const storedSchema = z.object({
  format: z.literal(ENTRY_FORMAT),
  sizeBytes: z.number(),
  head: replyHeadSchema,
  about: entryFactsSchema,
  beats: z.array(z.tuple([z.number(), z.number()])),
})

/** What is known of a kept answer beside the reply itself. */
export type EntryFacts = z.infer<typeof entryFactsSchema>

/** A kept answer: the recorded reply, and what is known of it. */
export interface CacheEntry {
  reply: RecordedReply
  about: EntryFacts
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const LENGTH_BYTES = 4

/** An entry in one piece: the length of its JSON in four bytes, the JSON, and the reply's own bytes. */
export function encodeEntry({ reply, about }: CacheEntry): Uint8Array {
  const { head, bytes, beats } = reply
  const json = encoder.encode(
    JSON.stringify({ format: ENTRY_FORMAT, sizeBytes: bytes.byteLength, head, about, beats }),
  )
  const length = new Uint8Array(LENGTH_BYTES)
  new DataView(length.buffer).setUint32(0, json.byteLength)
  return concat([length, json, bytes])
}

/** The entry in these bytes; undefined when they are damaged, or of a format that this release does not read. */
export function decodeEntry(stored: Uint8Array): CacheEntry | undefined {
  try {
    const length = new DataView(stored.buffer, stored.byteOffset).getUint32(0)
    const end = LENGTH_BYTES + length
    const parsed = storedSchema.safeParse(JSON.parse(decoder.decode(stored.subarray(LENGTH_BYTES, end))))
    const bytes = stored.subarray(end)
    if (!parsed.success || parsed.data.sizeBytes !== bytes.byteLength) return undefined
    const { head, about, beats } = parsed.data
    return { reply: { head, bytes, beats }, about }
  } catch {
    return undefined
  }
}
