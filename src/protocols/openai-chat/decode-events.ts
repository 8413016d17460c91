import type { ChatEvent } from '../answer'
import { madeCallId } from '../call-ids'
import type { EventDecoder } from '../codec'
import { fieldsOf, jsonOf, listOf, numberOf, textOf } from '../fields'
import { sseReader } from '../sse'
import { type ChoiceReader, choiceReader } from './decode-choice'
import { chatErrorIn } from './decode-error'
import { sourceTeller } from './sources'
import { findChatUsage } from './usage'

/** Reads a stream of chat completion chunks, in the variants that compatible servers send. */
export function chatEventDecoder(): EventDecoder {
  const choices = new Map<number, ChoiceReader>()
  const sources = sourceTeller()
  let events: ChatEvent[] = []
  let hasStarted = false
  let isOver = false
  let calls = 0

  const finish = (event: ChatEvent) => {
    isOver = true
    events.push(...sources.rest(), event)
  }
  const readerOf = (index: number) => {
    const reader = choices.get(index) ?? choiceReader(index, () => madeCallId(calls++))
    choices.set(index, reader)
    return reader
  }
  const onChunk = (data: string) => {
    const chunk = fieldsOf(jsonOf(data))
    const error = chatErrorIn(chunk)
    if (error !== undefined) return finish({ kind: 'error', error, data })
    events.push(...sources.next(chunk))
    const deltas = listOf(chunk.choices).map(fieldsOf)
    // Azure begins with chunks of its own, about the prompt and its filters, that have neither id nor delta.
    if (!hasStarted && (textOf(chunk.id) !== undefined || deltas.some(({ delta }) => delta !== undefined))) {
      hasStarted = true
      events.push(startOf(chunk))
    }
    const usage = findChatUsage(chunk)
    const told = deltas.flatMap((delta) => readerOf(numberOf(delta.index) ?? 0).read(delta))
    if (usage !== undefined) told.push({ kind: 'usage', usage })
    events.push(...told.flatMap(sources.pass))
  }
  const reader = sseReader({
    event(data) {
      if (isOver) return
      if (data.trim() === '[DONE]') finish({ kind: 'end' })
      else onChunk(data)
    },
    overrun: (message) => finish({ kind: 'error', error: { message, status: 502 }, data: '' }),
  })
  const taken = () => {
    const told = events
    events = []
    return told
  }
  return {
    feed(bytes) {
      reader.feed(bytes)
      return taken()
    },
    end() {
      reader.end()
      // Some compatible servers close in order after the last choice has finished, without [DONE].
      const isComplete = choices.size > 0 && [...choices.values()].every((choice) => choice.isFinished)
      if (!isOver && isComplete) finish({ kind: 'end' })
      events.push(...sources.rest())
      return taken()
    },
  }
}

function startOf(chunk: Readonly<Record<string, unknown>>): ChatEvent {
  const [id, model, created] = [textOf(chunk.id), textOf(chunk.model), numberOf(chunk.created)]
  const serviceTier = textOf(chunk.service_tier)
  return {
    kind: 'start',
    ...(id === undefined ? {} : { id }),
    ...(model === undefined ? {} : { model }),
    ...(created === undefined || created === 0 ? {} : { createdAtSeconds: created }),
    ...(serviceTier === undefined ? {} : { serviceTier }),
  }
}
