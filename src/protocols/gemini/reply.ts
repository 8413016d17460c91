import type { AnswerFacts } from '../canonical'
import { textOf } from '../fields'
import { errorIn } from './errors'
import { type Outline, outlineOf } from './outline'
import { decodeGeminiUsage } from './usage'

/** Reads a GenerateContentResponse without building its content, and throws the reason when it is not one. */
export function readGeminiReply(
  bytes: Uint8Array,
): AnswerFacts & { error?: { message: string; status?: number } } {
  const outline = outlineOf(bytes)
  const error = errorIn(outline.fields)
  if (error !== undefined) return { error: { message: error.message, status: error.status } }
  if (outline.isInArray) throw new Error('it is an array, as a stream is')
  if (outline.candidates.length === 0 && outline.blockReason === undefined)
    throw new Error("it has no 'candidates'")
  return factsOf(outline)
}

/** What a response, or one event of a stream, tells beside its content. */
export function factsOf({ fields, candidates, blockReason }: Outline): AnswerFacts {
  const usage = decodeGeminiUsage(fields.usageMetadata)
  const finished = candidates.filter(({ finishReason }) => finishReason !== undefined)
  const first = finished.find(({ index }) => index === 0) ?? finished[0]
  const finishReason = first?.finishReason ?? blockReason
  const responseId = textOf(fields.responseId)
  return {
    ...(usage === undefined ? {} : { usage }),
    ...(finishReason === undefined ? {} : { finishReason }),
    ...(responseId === undefined ? {} : { responseId }),
  }
}
