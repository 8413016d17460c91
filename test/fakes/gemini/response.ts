import type { Answer } from '../answer'
import type { JsonObject } from '../chat-request'
import type { Told } from '../dialect'
import { proofOf } from '../proofs'
import { fakeId } from '../tokens'
import { objectOf } from '../told'
import { countsOf, type Usage } from '../usage'

/** OpenAI's finish reasons and some more, in Google's words. */
const FINISH_REASONS: Record<string, string> = {
  stop: 'STOP',
  stop_sequence: 'STOP',
  length: 'MAX_TOKENS',
  tool_calls: 'STOP',
  content_filter: 'SAFETY',
  refusal: 'SAFETY',
  malformed_tool_call: 'MALFORMED_FUNCTION_CALL',
}

/** The finish reason with which the prompt, not the answer, is blocked: there is no candidate at all. */
export const PROMPT_BLOCKED = 'prompt_blocked'

/** A whole GenerateContentResponse. */
export function response(told: Told): JsonObject {
  return envelope(
    told,
    told.answers.map((answer, index) => ({
      ...contentOf(partsOf(told, answer)),
      ...endOf(answer),
      index,
      ...(answer.finishReason === 'stop' && { avgLogprobs: -0.0101 }),
    })),
    told.usage === null ? undefined : usageMetadata(told.usage),
  )
}

/** What stands around the candidates. */
export function envelope(told: Told, candidates: JsonObject[], usage: JsonObject | undefined): JsonObject {
  const isBlocked = told.answers[0]?.finishReason === PROMPT_BLOCKED
  return {
    ...(isBlocked ? { promptFeedback: { blockReason: 'PROHIBITED_CONTENT' } } : { candidates }),
    usageMetadata: usage,
    modelVersion: told.request.model,
    responseId: fakeId('fake', 18, told.callId),
    ...told.extraFields,
  }
}

/** A candidate's content; one that a filter stopped has none. */
export function contentOf(parts: JsonObject[]): JsonObject {
  return parts.length === 0 ? {} : { content: { parts, role: 'model' } }
}

/** Why a candidate ended. */
export function endOf({ finishReason, refusal }: Answer): JsonObject {
  const isRefused = refusal.length > 0 && finishReason === 'stop'
  const reason = isRefused ? 'SAFETY' : (FINISH_REASONS[finishReason] ?? finishReason)
  if (reason !== 'SAFETY') return { finishReason: reason }
  const ratings = ['HARM_CATEGORY_HATE_SPEECH', 'HARM_CATEGORY_DANGEROUS_CONTENT'].map((category, index) => ({
    category,
    probability: index === 0 ? 'NEGLIGIBLE' : 'HIGH',
    ...(index > 0 && { blocked: true }),
  }))
  const text = refusal.join('')
  return { finishReason: reason, ...(text !== '' && { finishMessage: text }), safetyRatings: ratings }
}

/** The calls of an answer; the first carries the proof of the reasoning, as Gemini 3 does it. */
export function callParts({ request }: Told, { reasoning, toolCalls }: Answer): JsonObject[] {
  return toolCalls.map(({ id, name, arguments: json }, index) => ({
    functionCall: { ...(isGemini3(request.model) && { id }), name, args: objectOf(json) },
    ...(index === 0 &&
      (reasoning.length > 0 || isGemini3(request.model)) && {
        thoughtSignature: proofOf('gemini', reasoning.join('') + name),
      }),
  }))
}

/** The proof that a text carries when no call follows it. */
export function textProof({ reasoning, toolCalls }: Answer): string | undefined {
  return reasoning.length > 0 && toolCalls.length === 0 ? proofOf('gemini', reasoning.join('')) : undefined
}

/** Whether calls are named by ids and must come back with their signatures. */
export function isGemini3(model: string): boolean {
  return /gemini-3/.test(model)
}

/** Counts so far: the candidates' do not include the thoughts, and absent ones are zero. */
export function usageMetadata(usage: Usage): JsonObject {
  const { fresh, cached, written, output, reasoning } = countsOf(usage)
  const prompt = fresh + cached + written
  return {
    promptTokenCount: prompt,
    ...(cached > 0 && { cachedContentTokenCount: cached }),
    candidatesTokenCount: output - reasoning,
    totalTokenCount: prompt + output,
    promptTokensDetails: [{ modality: 'TEXT', tokenCount: prompt }],
    ...(cached > 0 && { cacheTokensDetails: [{ modality: 'TEXT', tokenCount: cached }] }),
    ...(reasoning > 0 && { thoughtsTokenCount: reasoning }),
  }
}

function partsOf(told: Told, answer: Answer): JsonObject[] {
  const { reasoning, isRedacted, content } = answer
  const proof = textProof(answer)
  return [
    ...(reasoning.length === 0 || isRedacted ? [] : [{ text: reasoning.join(''), thought: true }]),
    ...(content.length === 0
      ? []
      : [{ text: content.join(''), ...(proof !== undefined && { thoughtSignature: proof }) }]),
    ...callParts(told, answer),
  ]
}
