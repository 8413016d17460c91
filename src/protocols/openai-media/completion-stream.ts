import { fieldsOf, isObject, jsonOf, listOf, numberOf, textOf } from '../fields'
import { sseReader } from '../sse'

/** The completion that a recorded stream adds up to, as far as it came; undefined when no chunk did. */
export function collectCompletionStream(bytes: Uint8Array): Record<string, unknown> | undefined {
  const choices = new Map<number, Record<string, unknown>>()
  let head: Record<string, unknown> | undefined
  let usage: unknown
  const sse = sseReader({
    event(data) {
      const chunk = jsonOf(data)
      if (!isObject(chunk)) return
      head ??= chunk
      usage = chunk.usage ?? usage
      for (const piece of listOf(chunk.choices).map(fieldsOf)) add(choices, piece)
    },
    overrun() {},
  })
  sse.feed(bytes)
  sse.end()
  if (head === undefined) return undefined
  const { choices: _, usage: __, ...rest } = head
  const sorted = [...choices].sort(([a], [b]) => a - b).map(([, choice]) => choice)
  return { ...rest, choices: sorted, ...(usage === undefined || usage === null ? {} : { usage }) }
}

function add(choices: Map<number, Record<string, unknown>>, piece: Record<string, unknown>): void {
  const index = numberOf(piece.index) ?? 0
  const known = choices.get(index) ?? { index, text: '', logprobs: null, finish_reason: null }
  choices.set(index, {
    ...known,
    ...piece,
    text: `${known.text}${textOf(piece.text) ?? ''}`,
    logprobs: mergedLogprobs(known.logprobs, piece.logprobs),
    finish_reason: piece.finish_reason ?? known.finish_reason,
  })
}

// Lists by name, which grow with the text: `tokens`, `token_logprobs`, `top_logprobs`, `text_offset`.
function mergedLogprobs(known: unknown, piece: unknown): unknown {
  if (!isObject(piece)) return known
  const before = fieldsOf(known)
  const lists = Object.entries(piece).map(([name, list]) => [
    name,
    Array.isArray(list) ? [...listOf(before[name]), ...list] : list,
  ])
  return { ...before, ...Object.fromEntries(lists) }
}
