import type { JsonObject } from '../chat-request'
import type { Told } from '../dialect'
import { bodyOf, listOf } from '../fields'
import { proofOf } from '../proofs'
import type { RecordedCall } from '../recorder'
import { fakeId } from '../tokens'
import { answerOf } from '../told'

/** An item of the output, and the pieces in which a stream tells it. */
export interface Item {
  whole: JsonObject
  kind: 'reasoning' | 'message' | 'function_call' | 'custom_tool_call'
  /** Of its parts, in their order: a message has one for its text and one for its refusal. */
  parts: { kind: 'summary' | 'text' | 'refusal' | 'arguments' | 'input'; pieces: string[] }[]
}

/** What the answer is, as the items of a response. */
export function outputItems(told: Told): Item[] {
  const { toolCalls } = answerOf(told)
  const custom = customTools(told.call)
  const calls = toolCalls.map((call, nth): Item => {
    const isCustom = custom.includes(call.name)
    const id = fakeId(isCustom ? 'ctc_' : 'fc_', 48, told.callId, nth)
    const named = { call_id: call.id, name: call.name }
    const text = isCustom ? plainInput(call.arguments) : call.arguments
    const pieces = text.match(/.{1,7}/gsu) ?? []
    return isCustom
      ? {
          whole: { id, type: 'custom_tool_call', status: 'completed', ...named, input: text },
          kind: 'custom_tool_call',
          parts: [{ kind: 'input', pieces }],
        }
      : {
          whole: { id, type: 'function_call', status: 'completed', arguments: text, ...named },
          kind: 'function_call',
          parts: [{ kind: 'arguments', pieces }],
        }
  })
  return [...reasoningItems(told), ...messageItems(told), ...calls]
}

/** A part of a message or of a summary, with its text. */
export function partOf(kind: Item['parts'][number]['kind'], text: string): JsonObject {
  if (kind === 'summary') return { type: 'summary_text', text }
  if (kind === 'refusal') return { type: 'refusal', refusal: text }
  return { type: 'output_text', annotations: [], logprobs: [], text }
}

/** The encrypted form is told to those who ask for it. */
function reasoningItems(told: Told): Item[] {
  const { reasoning, isRedacted } = answerOf(told)
  if (reasoning.length === 0) return []
  const { include } = bodyOf(told.call)
  const isEncrypted = Array.isArray(include) && include.includes('reasoning.encrypted_content')
  const text = reasoning.join('')
  const whole = {
    id: fakeId('rs_', 48, told.callId),
    type: 'reasoning',
    summary: isRedacted ? [] : [partOf('summary', text)],
    ...(isEncrypted && { encrypted_content: proofOf('openai', text) }),
  }
  return [{ whole, kind: 'reasoning', parts: isRedacted ? [] : [{ kind: 'summary', pieces: reasoning }] }]
}

function messageItems(told: Told): Item[] {
  const { content, refusal, finishReason } = answerOf(told)
  const parts: Item['parts'] = [
    ...(refusal.length === 0 ? [] : [{ kind: 'refusal' as const, pieces: refusal }]),
    ...(content.length === 0 ? [] : [{ kind: 'text' as const, pieces: content }]),
  ]
  if (parts.length === 0) return []
  const whole = {
    id: fakeId('msg_', 48, told.callId),
    type: 'message',
    status: finishReason === 'length' || finishReason === 'content_filter' ? 'incomplete' : 'completed',
    content: parts.map(({ kind, pieces }) => partOf(kind, pieces.join(''))),
    role: 'assistant',
  }
  return [{ whole, kind: 'message', parts }]
}

function customTools(call: RecordedCall): unknown[] {
  return listOf(bodyOf(call)['tools'])
    .filter(({ type }) => type === 'custom')
    .map(({ name }) => name)
}

/** A custom tool is told plain text; a script may have written it as JSON. */
function plainInput(text: string): string {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'string' ? value : text
  } catch {
    return text
  }
}
