import { createParser } from 'eventsource-parser'
import { fieldsOf, numberOf } from '../fields'

interface CollectedChoice {
  index: number
  message: Record<string, unknown>
  toolCalls: Map<number, Record<string, unknown>>
  logprobs: unknown
  finishReason: unknown
}

/** The chat completion that a recorded stream adds up to, as far as it came; undefined when no chunk did. */
export function collectChatStream(bytes: Uint8Array): Record<string, unknown> | undefined {
  const choices = new Map<number, CollectedChoice>()
  let head: Record<string, unknown> | undefined
  let usage: unknown
  const parser = createParser({
    onEvent({ data }) {
      const chunk = parse(data)
      if (chunk === undefined) return
      // Some providers begin with a chunk of their own that has neither id nor choices.
      if (head === undefined || head.id === undefined || head.id === '') head = chunk
      usage = chunk.usage ?? usage
      for (const delta of Array.isArray(chunk.choices) ? chunk.choices.map(fieldsOf) : [])
        addTo(choices, delta)
    },
  })
  parser.feed(new TextDecoder().decode(bytes))
  parser.feed('\n\n')
  if (head === undefined) return undefined
  const { choices: _, usage: __, ...rest } = head
  return {
    ...rest,
    object: 'chat.completion',
    choices: [...choices.values()].sort((a, b) => a.index - b.index).map(closed),
    ...(usage === undefined || usage === null ? {} : { usage }),
  }
}

function addTo(choices: Map<number, CollectedChoice>, choice: Record<string, unknown>): void {
  const index = numberOf(choice.index) ?? 0
  const known = choices.get(index) ?? newChoice(index)
  choices.set(index, known)
  const { tool_calls: toolCalls, ...delta } = fieldsOf(choice.delta)
  for (const call of Array.isArray(toolCalls) ? toolCalls.map(fieldsOf) : [])
    addToolCall(known.toolCalls, call)
  known.message = mergedFields(known.message, delta)
  known.logprobs = merged('logprobs', known.logprobs, choice.logprobs)
  known.finishReason = choice.finish_reason ?? known.finishReason
}

function newChoice(index: number): CollectedChoice {
  const message = { role: 'assistant', content: null }
  return { index, message, toolCalls: new Map(), logprobs: undefined, finishReason: null }
}

function addToolCall(calls: Map<number, Record<string, unknown>>, delta: Record<string, unknown>): void {
  const { index: told, ...call } = delta
  const index = numberOf(told) ?? 0
  calls.set(index, mergedFields(calls.get(index) ?? {}, call))
}

function mergedFields(
  before: Record<string, unknown>,
  pieces: Record<string, unknown>,
): Record<string, unknown> {
  const known = { ...before }
  for (const [field, piece] of Object.entries(pieces)) known[field] = merged(field, known[field], piece)
  return known
}

/** Fields that are told once; some providers repeat them with every piece, or leave them empty later. */
const WHOLE: ReadonlySet<string> = new Set(['role', 'id', 'type'])

// Texts and lists come in pieces, objects in parts; of anything else the last word counts.
function merged(field: string, before: unknown, piece: unknown): unknown {
  if (piece === undefined || piece === null) return before ?? piece
  if (WHOLE.has(field)) return piece === '' ? (before ?? piece) : piece
  if (typeof before === 'string' && typeof piece === 'string') {
    return field === 'name' && before === piece ? before : before + piece
  }
  if (Array.isArray(before) && Array.isArray(piece)) return [...before, ...piece]
  return typeof piece === 'object' && !Array.isArray(piece)
    ? mergedFields(fieldsOf(before), fieldsOf(piece))
    : piece
}

function closed(choice: CollectedChoice): Record<string, unknown> {
  const toolCalls = [...choice.toolCalls.entries()].sort(([a], [b]) => a - b).map(([, call]) => call)
  return {
    index: choice.index,
    message: { ...choice.message, ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls }) },
    ...(choice.logprobs === undefined || choice.logprobs === null ? {} : { logprobs: choice.logprobs }),
    finish_reason: choice.finishReason,
  }
}

function parse(data: string): Record<string, unknown> | undefined {
  try {
    return data === '[DONE]' ? undefined : fieldsOf(JSON.parse(data))
  } catch {
    return undefined
  }
}
