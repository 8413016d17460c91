import type { ChatEvent } from '../answer'
import type { EventDecoder } from '../codec'
import { fieldsOf, jsonOf } from '../fields'
import { sseReader } from '../sse'
import { responsesErrorIn } from './decode-error'
import { headOf } from './decode-reply'
import { decodeFinish } from './finish'
import { ItemReader } from './item-reader'
import { typeOfEvent } from './stream'
import { decodeResponsesUsage } from './usage'

type Fields = Record<string, unknown>

/** Bytes of a response's stream to events. An answer has one choice. */
export function responsesEventDecoder(): EventDecoder {
  let events: ChatEvent[] = []
  let hasStarted = false
  const items = new ItemReader((event) => events.push(event))
  const start = (response: Fields) => {
    if (!hasStarted) events.push({ kind: 'start', ...headOf(response) })
    hasStarted = true
  }
  const onEvent = (type: string, event: Fields, data: string) => {
    const response = fieldsOf(event.response)
    if (type === 'error' || type === 'response.failed') {
      const error = responsesErrorIn(type === 'error' ? event : response)
      const unknown = { message: 'the response failed', status: 500 }
      events.push({ kind: 'error', error: error ?? unknown, data })
    } else if (LIFECYCLE.has(type)) start(response)
    else if (TERMINAL.has(type)) {
      start(response)
      events.push(...lastEvents(response, items))
    } else items.take(type, event)
  }
  const reader = sseReader({
    event(data, name) {
      const type = typeOfEvent(data, name)
      if (type !== undefined) onEvent(type, fieldsOf(jsonOf(data)), data)
    },
    overrun(message) {
      events.push({ kind: 'error', error: { message, status: 502 }, data: '' })
    },
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
      return taken()
    },
  }
}

const LIFECYCLE: ReadonlySet<string> = new Set([
  'response.created',
  'response.in_progress',
  'response.queued',
])
const TERMINAL: ReadonlySet<string> = new Set(['response.completed', 'response.incomplete'])

function lastEvents(response: Fields, items: ItemReader): ChatEvent[] {
  items.rest(response.output)
  const usage = decodeResponsesUsage(response.usage)
  return [
    { kind: 'finish', choice: 0, reason: decodeFinish(response, items.kinds) },
    ...(usage === undefined ? [] : [{ kind: 'usage', usage } as const]),
    { kind: 'end' },
  ]
}
