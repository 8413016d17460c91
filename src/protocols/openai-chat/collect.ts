import { createParser } from 'eventsource-parser'
import { fieldsOf } from './usage'

interface CollectedChoice {
  index: number
  message: Record<string, unknown>
  toolCalls: Map<number, Record<string, unknown>>
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
      head ??= chunk
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
  const index = Number(choice.index ?? 0)
  const known = choices.get(index) ?? newChoice(index)
  choices.set(index, known)
  for (const [field, value] of Object.entries(fieldsOf(choice.delta))) {
    if (field === 'tool_calls' && Array.isArray(value))
      for (const call of value.map(fieldsOf)) addToolCall(known.toolCalls, call)
    else known.message[field] = joined(known.message[field], value, field === 'role')
  }
  known.finishReason = choice.finish_reason ?? known.finishReason
}

function newChoice(index: number): CollectedChoice {
  return { index, message: { role: 'assistant', content: null }, toolCalls: new Map(), finishReason: null }
}

function addToolCall(calls: Map<number, Record<string, unknown>>, delta: Record<string, unknown>): void {
  const index = Number(delta.index ?? 0)
  const known = calls.get(index) ?? {}
  calls.set(index, known)
  for (const [field, value] of Object.entries(delta)) {
    if (field === 'index') continue
    if (field !== 'function') known[field] = value ?? known[field]
    else {
      const functionSoFar = fieldsOf(known.function)
      for (const [name, part] of Object.entries(fieldsOf(value))) {
        functionSoFar[name] = joined(
          functionSoFar[name],
          part,
          name === 'name' && functionSoFar[name] === part,
        )
      }
      known.function = functionSoFar
    }
  }
}

// Texts and lists come in pieces; anything else is told once, and the last word counts.
function joined(before: unknown, piece: unknown, isWhole: boolean): unknown {
  if (piece === undefined || piece === null) return before ?? piece
  if (isWhole) return piece
  if (typeof before === 'string' && typeof piece === 'string') return before + piece
  if (Array.isArray(before) && Array.isArray(piece)) return [...before, ...piece]
  return piece
}

function closed(choice: CollectedChoice): Record<string, unknown> {
  const toolCalls = [...choice.toolCalls.entries()].sort(([a], [b]) => a - b).map(([, call]) => call)
  return {
    index: choice.index,
    message: { ...choice.message, ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls }) },
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
