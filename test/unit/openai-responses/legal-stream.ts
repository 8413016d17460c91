import { expect } from 'vitest'
import { fieldsOf, listOf, textOf } from '../../../src/protocols/fields'

type Fields = Record<string, unknown>

/**
 * Reads a stream as the strictest client would (OpenAI API reference, "Streaming events") and gives its last response:
 * events are numbered, one item and one part of it are open at a time, what is told at the end is what was told in
 * pieces, and the last response holds exactly the items that were told.
 */
export function readStrictly(text: string): Fields {
  const events = parse(text)
  expect(events.map(({ sequence_number }) => sequence_number)).toEqual([...events.keys()])
  const [created, inProgress, ...rest] = events
  expect([created?.type, inProgress?.type]).toEqual(['response.created', 'response.in_progress'])
  expect(fieldsOf(created?.response)).toMatchObject({ status: 'in_progress', output: [], usage: null })
  const last = fieldsOf(rest.pop())
  const response = fieldsOf(last.response)
  expect(last.type).toBe(`response.${response.status}`)
  const output: unknown[] = []
  while (rest.length > 0) output.push(readItem(rest, output.length))
  expect(response.output).toEqual(output)
  expect(response.usage).not.toBe(undefined)
  const ids = output.map((item) => fieldsOf(item).id)
  expect(new Set(ids).size).toBe(ids.length)
  return response
}

function parse(text: string): Fields[] {
  return text
    .split('\n\n')
    .slice(0, -1)
    .map((block) => {
      const [, name, data = ''] = block.match(/^event: (.*)\ndata: (.*)$/) ?? []
      const event = fieldsOf(JSON.parse(data))
      expect(event.type).toBe(name)
      return event
    })
}

function next(events: Fields[], type: string, more: Fields): Fields {
  const event = events.shift() ?? {}
  expect(event).toMatchObject({ type: `response.${type}`, ...more })
  return event
}

function readItem(events: Fields[], output_index: number): Fields {
  const item = fieldsOf(next(events, 'output_item.added', { output_index }).item)
  const place = { output_index, item_id: item.id }
  const written = { ...item, ...read(item, events, place) }
  const done = fieldsOf(next(events, 'output_item.done', { output_index }).item)
  const { status, encrypted_content: _, ...rest } = done
  const { status: before, encrypted_content: __, ...expected } = written
  expect(rest).toEqual(expected)
  if (before === 'in_progress') expect(['completed', 'incomplete']).toContain(status)
  return done
}

function read(item: Fields, events: Fields[], place: Fields): Fields {
  switch (item.type) {
    case 'message':
      expect(item.content).toEqual([])
      return { content: readContent(events, place) }
    case 'reasoning':
      expect(item.summary).toEqual([])
      return { summary: readSummary(events, place) }
    case 'function_call':
      return { arguments: readPieces(events, 'function_call_arguments', 'arguments', place) }
    case 'custom_tool_call':
      return { input: readPieces(events, 'custom_tool_call_input', 'input', place) }
    default:
      return {}
  }
}

function readContent(events: Fields[], item: Fields): unknown[] {
  const content: unknown[] = []
  while (events[0]?.type === 'response.content_part.added') {
    const place = { ...item, content_index: content.length }
    const part = fieldsOf(next(events, 'content_part.added', place).part)
    const whole = part.type === 'refusal' ? readRefusal(events, place) : readText(events, place)
    content.push(next(events, 'content_part.done', { ...place, part: whole }).part)
  }
  return content
}

function readRefusal(events: Fields[], place: Fields): Fields {
  return { type: 'refusal', refusal: readPieces(events, 'refusal', 'refusal', place) }
}

function readText(events: Fields[], place: Fields): Fields {
  const annotations: unknown[] = []
  const logprobs: unknown[] = []
  let text = ''
  for (;;) {
    if (events[0]?.type === 'response.output_text.delta') {
      const { delta, logprobs: tokens } = next(events, 'output_text.delta', place)
      text += textOf(delta) ?? ''
      logprobs.push(...listOf(tokens))
    } else if (events[0]?.type === 'response.output_text.annotation.added') {
      const annotation_index = annotations.length
      annotations.push(
        next(events, 'output_text.annotation.added', { ...place, annotation_index }).annotation,
      )
    } else break
  }
  next(events, 'output_text.done', { ...place, text, logprobs })
  return { type: 'output_text', text, annotations, logprobs }
}

function readSummary(events: Fields[], item: Fields): unknown[] {
  if (events[0]?.type !== 'response.reasoning_summary_part.added') return []
  const place = { ...item, summary_index: 0 }
  next(events, 'reasoning_summary_part.added', { ...place, part: { type: 'summary_text', text: '' } })
  const text = readPieces(events, 'reasoning_summary_text', 'text', place)
  const part = { type: 'summary_text', text }
  next(events, 'reasoning_summary_part.done', { ...place, part })
  return [part]
}

function readPieces(events: Fields[], name: string, field: string, place: Fields): string {
  let text = ''
  while (events[0]?.type === `response.${name}.delta`) {
    text += textOf(next(events, `${name}.delta`, place).delta) ?? ''
  }
  next(events, `${name}.done`, { ...place, [field]: text })
  return text
}
