import { describe, SluiceError } from '../../platform/failure'
import type { ChatReply, Choice } from '../answer'
import { madeCallId } from '../call-ids'
import { fieldsOf, isObject, listOf, textOf } from '../fields'
import type { Part } from '../parts'
import { type CallIds, callIds } from './call-ids'
import { decodeCitations } from './citations'
import { decodeParts } from './decode-parts'
import { errorIn } from './errors'
import { decodeFinish, finishReasonOf } from './finish'
import { decodeLogprobs } from './logprobs'
import { camelFields } from './spelling'
import { decodeGeminiUsage } from './usage'

/** A GenerateContentResponse in canonical form; throws the reason when it is not one. */
export function decodeGeminiReply(body: unknown): ChatReply {
  const fields = fieldsOf(body)
  const error = errorIn(body)
  if (error !== undefined) throw new Error(error.message)
  const blocked = blockOf(fields)
  if (!Array.isArray(fields.candidates) && blocked === undefined) throw new Error("it has no 'candidates'")
  const ids = callIds(madeCallId)
  const choices = listOf(fields.candidates).map((one, position) => choiceOf(fieldsOf(one), position, ids))
  return {
    ...headOf(fields),
    choices: choices.length === 0 && blocked !== undefined ? [blocked] : choices,
    usage: decodeGeminiUsage(fields.usageMetadata),
  }
}

/** What every response and every event of a stream says of the answer. */
export function headOf({ responseId, modelVersion, createTime }: Record<string, unknown>) {
  const createdAtMs = typeof createTime === 'string' ? Date.parse(createTime) : Number.NaN
  return {
    id: textOf(responseId),
    model: textOf(modelVersion),
    createdAtSeconds: Number.isNaN(createdAtMs) ? undefined : Math.floor(createdAtMs / 1_000),
  }
}

/** The answer to a prompt that was refused before any candidate began; undefined when it was not. */
export function blockOf(fields: Record<string, unknown>): Choice | undefined {
  const { blockReason, blockReasonMessage } = fieldsOf(fields.promptFeedback)
  if (textOf(blockReason) === undefined || listOf(fields.candidates).length > 0) return undefined
  const text = textOf(blockReasonMessage)
  return { index: 0, parts: text === undefined ? [] : [{ kind: 'refusal', text }], finish: 'content_filter' }
}

/** The parts of a candidate; in answers they have no place in a client's request. */
export function partsOf(candidate: Record<string, unknown>, ids: CallIds): Part[] {
  const { parts } = camelFields(candidate.content)
  try {
    const filled = (Array.isArray(parts) ? parts : []).filter(
      (part) => !isObject(part) || Object.keys(part).length > 0,
    )
    return decodeParts(filled, 'parts', ids).map(({ at: _, extras: __, ...part }) => part)
  } catch (cause) {
    // It is the provider that wrote this, not the client.
    if (cause instanceof SluiceError) throw new Error(describe(cause.failure).message, { cause })
    throw cause
  }
}

function choiceOf(candidate: Record<string, unknown>, position: number, ids: CallIds): Choice {
  const parts = partsOf(candidate, ids)
  const reason = finishReasonOf(candidate)
  const hasCalls = parts.some(({ kind }) => kind === 'tool_call')
  return {
    index: typeof candidate.index === 'number' ? candidate.index : position,
    parts: withCitations(parts, candidate),
    finish: reason === undefined ? 'other' : decodeFinish(reason, hasCalls),
    logprobs: decodeLogprobs(candidate.logprobsResult),
  }
}

function withCitations(parts: Part[], candidate: Record<string, unknown>): Part[] {
  const place = parts.findIndex(({ kind }) => kind === 'text')
  return parts.map((part, index) => {
    if (index !== place || part.kind !== 'text') return part
    const citations = decodeCitations(candidate, part.text)
    return citations.length === 0 ? part : { ...part, citations }
  })
}
