import { scanObject, valueOf } from '../../platform/json-scan'
import type { AnswerFacts } from '../canonical'
import { fieldsOf, textOf } from '../fields'
import { responsesErrorIn } from './decode-error'
import { finishWord } from './finish'
import { decodeResponsesUsage } from './usage'

/** Up to this size the engine's own parser is quicker than looking for the few fields that matter. */
const SMALL_BYTES = 4 * 1024
const TELLING: ReadonlySet<string> = new Set([
  ...['id', 'status', 'incomplete_details', 'usage', 'error', 'object', 'type', 'message', 'code'],
])
const decoder = new TextDecoder()

/** Reads a response, a large one without building its content, and throws the reason when it is not one. */
export function readResponse(
  bytes: Uint8Array,
): AnswerFacts & { error?: { message: string; status?: number } } {
  const fields = bytes.byteLength <= SMALL_BYTES ? parsed(bytes) : tellingFields(bytes)
  const error = responsesErrorIn(fields)
  if (error !== undefined) return { error: { message: error.message, status: error.status } }
  if (!Array.isArray(fields.output)) throw new Error("it has no 'output'")
  return factsOf(fields)
}

/** What a response object tells beside its content; one that runs in the background has not ended. */
export function factsOf(response: Record<string, unknown>): AnswerFacts {
  const usage = decodeResponsesUsage(response.usage)
  const finishReason = finishWord(response)
  const responseId = textOf(response.id)
  return {
    ...(usage === undefined ? {} : { usage }),
    ...(finishReason === undefined ? {} : { finishReason }),
    ...(responseId === undefined ? {} : { responseId }),
  }
}

function parsed(bytes: Uint8Array): Record<string, unknown> {
  return fieldsOf(JSON.parse(decoder.decode(bytes)))
}

function tellingFields(bytes: Uint8Array): Record<string, unknown> {
  const fields: Record<string, unknown> = {}
  for (const member of scanObject(bytes)) {
    if (TELLING.has(member.key)) fields[member.key] = valueOf(bytes, member)
    else if (member.key === 'output' && member.kind === 'array') fields.output = []
  }
  return fields
}
