import { EventStreamCodec } from '@smithy/eventstream-codec'
import type { JsonObject } from '../chat-request'
import { fieldsOf } from '../fields'
import type { Framing } from '../framing'

const codec = new EventStreamCodec(
  (bytes) => Buffer.from(bytes instanceof Uint8Array ? bytes : String(bytes)).toString(),
  (text) => Buffer.from(text),
)
const PADDING = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJ'

/** AWS's binary event stream: `{messageStart: {...}}` is an event, and a name in ...Exception is an error. */
export const eventStream: Framing = {
  contentType: 'application/vnd.amazon.eventstream',
  frame: (event, { index }) => (typeof event === 'string' ? event : encoded(event, index)),
  tail: '',
}

function encoded(event: JsonObject, index: number): Uint8Array {
  const [name = '', payload] = Object.entries(event)[0] ?? []
  const isException = name.endsWith('Exception')
  const headers = {
    [isException ? ':exception-type' : ':event-type']: name,
    ':content-type': 'application/json',
    ':message-type': isException ? 'exception' : 'event',
  }
  const typed = Object.entries(headers).map(([key, value]) => [key, { type: 'string' as const, value }])
  // Bedrock pads its events, so that their sizes tell nothing of the tokens.
  const padded = isException ? payload : { ...fieldsOf(payload), p: PADDING.slice(0, 4 + (index % 30)) }
  return codec.encode({ headers: Object.fromEntries(typed), body: Buffer.from(JSON.stringify(padded)) })
}
