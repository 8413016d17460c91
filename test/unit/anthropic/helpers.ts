import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { SluiceError } from '../../../src/platform/failure'
import type { ChatEvent } from '../../../src/protocols/answer'
import { anthropicCodec } from '../../../src/protocols/anthropic/codec'
import type { ModelTraits, ReplyContext } from '../../../src/protocols/codec'
import type { Part } from '../../../src/protocols/parts'
import type { ChatRequest, Message, Role } from '../../../src/protocols/request'

/** Any JSON object. */
export type Fields = Record<string, unknown>

const encoder = new TextEncoder()

/** A file of a golden exchange of this protocol. */
export function golden(scenario: string, file: string): Uint8Array {
  return readFileSync(resolve(import.meta.dirname, `../../golden/${scenario}/anthropic/${file}`))
}

/** The same, as JSON. */
export function goldenJson(scenario: string, file: string): Fields {
  return JSON.parse(new TextDecoder().decode(golden(scenario, file)))
}

/** A request of a client of another protocol. */
export function requestOf(given: Partial<ChatRequest>): ChatRequest {
  return {
    protocol: 'openai-chat',
    model: 'm',
    stream: false,
    wantsStreamUsage: false,
    messages: [message('user', 'Hello.')],
    tools: [],
    settings: {},
    names: {},
    ...given,
  }
}

/** A message of one text, or of parts. */
export function message(role: Role, content: string | Part[], at = 'messages[0]'): Message {
  const parts: Part[] =
    typeof content === 'string' ? [{ kind: 'text', text: content, at: `${at}.content` }] : content
  return { role, parts, at }
}

/** What a request becomes for a model. */
export function encoded(given: Partial<ChatRequest>, traits: ModelTraits = {}) {
  return anthropicCodec.encodeRequest(requestOf(given), { model: 'claude', traits })
}

/** What a body says, with the fields that every one has. */
export function decoded(body: Fields): ChatRequest {
  return anthropicCodec.decodeRequest({ model: 'claude', max_tokens: 9, messages: [HELLO], ...body })
}

/** A message that says hello. */
export const HELLO = { role: 'user', content: 'Hello.' }

/** What a client asked, for encoders of answers. */
export const context: ReplyContext = {
  request: requestOf({ protocol: 'anthropic' }),
  model: 'claude',
  replyId: 'r1',
  nowSeconds: 1,
}

/** The failure that a call ends with, or `taken`. */
export function failureOf(call: () => unknown) {
  try {
    call()
  } catch (cause) {
    if (cause instanceof SluiceError) return cause.failure
    throw cause
  }
  return 'taken'
}

/** Events as the provider writes them. */
export function sse(...events: Fields[]): Uint8Array {
  return encoder.encode(
    events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join(''),
  )
}

/** The events of a stream in one piece. */
export function decodedEvents(bytes: Uint8Array): ChatEvent[] {
  const decoder = anthropicCodec.eventDecoder()
  return [...decoder.feed(bytes), ...decoder.end()]
}

/** The events that a client is told, as objects. */
export function toldEvents(text: string): Fields[] {
  return text
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => JSON.parse(event.slice(event.indexOf('data: ') + 'data: '.length)))
}
