import type { AnswerFacts } from '../canonical'
import { fieldsOf, jsonOf } from '../fields'
import type { StreamReader } from '../protocol'
import { sseReader } from '../sse'
import { responsesErrorIn } from './decode-error'
import { factsOf } from './reply'

const TYPE = /"type"\s*:\s*"(response\.[\w.]+|error)"/
/** How compatible servers tell an error: as they would in a body. */
const PLAIN_ERROR = /^\s*\{\s*"error"\s*:\s*[{"]/
const TERMINAL: ReadonlySet<string> = new Set([
  'response.completed',
  'response.incomplete',
  'response.failed',
])
/** Events that come before content; whatever else comes is content, also what this release does not know. */
const PRELUDE: ReadonlySet<string> = new Set([
  'response.created',
  'response.in_progress',
  'response.queued',
  'response.content_part.added',
  'response.reasoning_summary_part.added',
])
const SILENT_ITEMS: ReadonlySet<unknown> = new Set(['message', 'reasoning'])

/** The type of an event: its name, or where a compatible server sends none, what its data say; undefined for others. */
export function typeOfEvent(data: string, name: string | undefined): string | undefined {
  if (name?.startsWith('response.') === true || name === 'error') return name
  return TYPE.exec(data)?.[1] ?? (PLAIN_ERROR.test(data) ? 'error' : undefined)
}

/** Reads along with a stream of a response. Once content has come, only the last event and errors are parsed. */
export function responsesStreamReader(): StreamReader {
  const facts: AnswerFacts = {}
  let hasContent = false
  let isDone = false
  let error: StreamReader['error']
  const fail = (fields: Record<string, unknown>, data: string) => {
    const told = responsesErrorIn(fields) ?? { message: 'the response failed', status: 500 }
    error ??= { message: told.message, data, status: told.status }
  }
  const onEvent = (data: string, type: string) => {
    if (TERMINAL.has(type)) {
      const response = fieldsOf(fieldsOf(jsonOf(data)).response)
      Object.assign(facts, factsOf(response))
      if (type === 'response.failed') fail(response, data)
      else {
        isDone = true
        hasContent = true
      }
    } else if (type === 'error') fail(fieldsOf(jsonOf(data)), data)
    else if (!hasContent) {
      const event = fieldsOf(jsonOf(data))
      if (type === 'response.created') Object.assign(facts, factsOf(fieldsOf(event.response)))
      hasContent = isContent(type, event)
    }
  }
  const { feed, end } = sseReader({
    event(data, name) {
      const type = typeOfEvent(data, name)
      if (type !== undefined) onEvent(data, type)
    },
    overrun(message) {
      error ??= { message, data: '' }
    },
  })
  return {
    feed,
    end,
    get hasContent() {
      return hasContent
    },
    get isComplete() {
      return isDone && error === undefined
    },
    get error() {
      return error
    },
    facts,
  }
}

function isContent(type: string, { delta, item }: Record<string, unknown>): boolean {
  if (PRELUDE.has(type)) return false
  if (type === 'response.output_item.added') return !SILENT_ITEMS.has(fieldsOf(item).type)
  return !(type.endsWith('.delta') && delta === '')
}
