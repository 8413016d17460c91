import type { Answer } from '../answer'
import type { JsonObject } from '../chat-request'
import type { Chunk, Told } from '../dialect'
import { callParts, contentOf, endOf, envelope, PROMPT_BLOCKED, textProof, usageMetadata } from './response'

/**
 * The responses of a stream: each is whole in itself and counts so far. A signature of text comes in a last part
 * without text, beside the finish reason; calls come whole.
 */
export function responseEvents(told: Told): Chunk[] {
  const chunks: Chunk[] = []
  const said = told.answers.map((answer) => partsOf(told, answer))
  const rounds = Math.max(0, ...said.map(({ length }) => length))
  for (let round = 0; round < rounds; round++) {
    for (const [index, parts] of said.entries()) {
      const part = parts[round]
      if (part === undefined) continue
      const candidate = { ...contentOf([part]), index }
      const isText = part['text'] !== undefined && part['thought'] === undefined
      chunks.push({
        data: envelope(told, [candidate], soFar(told, chunks.length)),
        isTerminal: false,
        isText,
      })
    }
  }
  const ends = told.answers.map((answer, index) => ({ ...lastContent(answer), ...endOf(answer), index }))
  const isBlocked = told.answers[0]?.finishReason === PROMPT_BLOCKED
  const usage = told.usage === null ? undefined : usageMetadata(told.usage)
  chunks.push({ data: envelope(told, isBlocked ? [] : ends, usage), isTerminal: true })
  return chunks
}

function partsOf(told: Told, answer: Answer): JsonObject[] {
  const { reasoning, isRedacted, content } = answer
  return [
    ...(isRedacted ? [] : reasoning.map((text) => ({ text, thought: true }))),
    ...content.map((text) => ({ text })),
    ...callParts(told, answer),
  ]
}

/** The last content of a candidate has an empty text, with the signature of all the text. */
function lastContent(answer: Answer): JsonObject {
  const proof = textProof(answer)
  if (answer.refusal.length > 0) return {}
  return contentOf([{ text: '', ...(proof !== undefined && { thoughtSignature: proof }) }])
}

/** Before the end the counts are those of what has been said. */
function soFar({ usage }: Told, said: number): JsonObject | undefined {
  if (usage === null) return undefined
  const completion_tokens = Math.min(said + 1, usage.completion_tokens)
  const details = usage.completion_tokens_details
  const reasoning_tokens = Math.min(completion_tokens, details.reasoning_tokens)
  return usageMetadata({
    ...usage,
    completion_tokens,
    completion_tokens_details: { ...details, reasoning_tokens },
  })
}
