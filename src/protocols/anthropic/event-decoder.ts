import type { ChatEvent } from '../answer'
import type { EventDecoder } from '../codec'
import { isObject, jsonOf } from '../fields'
import { sseReader } from '../sse'
import { messageEvents } from './message-events'

/** Bytes of a stream of a message as events. */
export function messagesEventDecoder(): EventDecoder {
  const message = messageEvents()
  let events: ChatEvent[] = []
  const reader = sseReader({
    event(data, name) {
      const fields = jsonOf(data)
      if (isObject(fields)) events.push(...message.read(fields, { name, data }))
      else events.push(broken('an event is not a JSON object', data))
    },
    overrun: (problem) => {
      events.push(broken(problem, ''))
    },
  })
  const told = () => {
    const now = events
    events = []
    return now
  }
  return {
    feed(bytes) {
      reader.feed(bytes)
      return told()
    },
    end() {
      reader.end()
      return told()
    },
  }
}

function broken(message: string, data: string): ChatEvent {
  return { kind: 'error', error: { message, status: 502 }, data }
}
