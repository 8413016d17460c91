import { scanArray, scanObject, valueOf } from '../../platform/json-scan'
import type { AnswerFacts } from '../canonical'
import { fieldsOf, isObject, numberOf, textOf } from '../fields'
import { plainMessage } from '../plain-error'
import { findChatUsage } from './usage'

/** What a whole reply tells; `error` when the provider reports one with status 200. */
export type ReplyFacts = AnswerFacts & { error?: { message: string; status?: number } }

/** Up to this size the engine's own parser is quicker than looking for the few fields that matter. */
const SMALL_BYTES = 4 * 1024
const END_BYTES = 1024
const decoder = new TextDecoder()

/** Reads a chat completion, a large one without building its content, and throws the reason when it is not one. */
export function readChatReply(bytes: Uint8Array): ReplyFacts {
  return bytes.byteLength <= SMALL_BYTES ? factsOf(JSON.parse(decoder.decode(bytes))) : readLargeReply(bytes)
}

function factsOf(reply: unknown): ReplyFacts {
  const fields = fieldsOf(reply)
  const error = errorOf(fields)
  if (error !== undefined) return { error }
  if (!Array.isArray(fields.choices)) throw new Error("it has no 'choices'")
  return replyFacts(fields, fieldsOf(fields.choices[0]).finish_reason)
}

function readLargeReply(bytes: Uint8Array): ReplyFacts {
  const members = scanObject(bytes)
  const fields: Record<string, unknown> = {}
  for (const member of members) if (member.key !== 'choices') fields[member.key] = valueOf(bytes, member)
  const error = errorOf(fields)
  if (error !== undefined) return { error }
  const choices = members.find((member) => member.key === 'choices')
  if (choices?.kind !== 'array') throw new Error("it has no 'choices'")
  const facts = replyFacts(fields, finishReasonOf(bytes.subarray(choices.valueStart, choices.valueEnd)))
  // A few providers tell the usage inside a choice; that is worth building the whole reply.
  return facts.usage === undefined ? factsOf(JSON.parse(decoder.decode(bytes))) : facts
}

function replyFacts(fields: Record<string, unknown>, finishReason: unknown): ReplyFacts {
  const usage = findChatUsage(fields)
  return {
    ...(usage === undefined ? {} : { usage }),
    ...(typeof finishReason === 'string' ? { finishReason } : {}),
    ...(typeof fields.id === 'string' ? { responseId: fields.id } : {}),
  }
}

/** Where an error stands: on top, or at routers of several providers in the choice (OpenRouter docs, "Errors"). */
export function errorHolder(fields: Record<string, unknown>): Record<string, unknown> {
  if (fields.error !== undefined || !Array.isArray(fields.choices)) return fields
  const choice = fieldsOf(fields.choices[0])
  return isObject(choice.error) ? choice : fields
}

/** The error that a reply or chunk carries on its top level, in the spellings of compatible servers. */
export function errorOf(given: Record<string, unknown>): { message: string; status?: number } | undefined {
  const fields = errorHolder(given)
  const { error } = fields
  if (typeof error === 'string' && error !== '') return { message: error, ...statusOf(fields) }
  if (typeof error === 'object' && error !== null) {
    const inner = fieldsOf(error)
    return {
      message: typeof inner.message === 'string' ? inner.message : JSON.stringify(error),
      ...statusOf(inner),
    }
  }
  if (fields.object === 'error')
    return { message: plainMessage(fields) ?? 'unknown error', ...statusOf(fields) }
  return undefined
}

function statusOf(fields: Record<string, unknown>): { status?: number } {
  const told = fields.status ?? fields.code
  const status = Number(textOf(told) ?? numberOf(told))
  return Number.isInteger(status) && status >= 400 && status < 600 ? { status } : {}
}

// It stands at one end of the choice, before or after the message, whose own quotes are escaped; only a choice that
// hides it elsewhere is scanned again.
function finishReasonOf(choices: Uint8Array): unknown {
  const ends = [choices.subarray(-END_BYTES), choices.subarray(0, END_BYTES)]
  for (const end of ends) {
    const found = decoder.decode(end).match(/"finish_reason"\s*:\s*"(\w+)"/)
    if (found !== null) return found[1]
  }
  const [first] = scanArray(choices)
  if (first === undefined) return undefined
  const bytes = choices.subarray(first.start, first.end)
  const member = scanObject(bytes).find(({ key }) => key === 'finish_reason')
  return member === undefined ? undefined : valueOf(bytes, member)
}
