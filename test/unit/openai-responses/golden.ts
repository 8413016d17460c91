import { existsSync, readdirSync, readFileSync } from 'node:fs'
import type { ChatEvent, ChatReply } from '../../../src/protocols/answer'
import type { ReplyContext } from '../../../src/protocols/codec'
import { collect } from '../../../src/protocols/collect'
import { responsesCodec } from '../../../src/protocols/openai-responses/codec'
import type { ChatRequest } from '../../../src/protocols/request'

const root = `${import.meta.dirname}/../../golden/`
const encoder = new TextEncoder()

/** A file of a scenario, as the provider wrote it. */
export function golden(scenario: string, file: string): string {
  return readFileSync(`${root}${scenario}/openai-responses/${file}`, 'utf8')
}

/** The same as JSON. */
export function goldenJson(scenario: string, file: string): Record<string, unknown> {
  return JSON.parse(golden(scenario, file))
}

/** The scenarios that have a file of this name. */
export function scenariosWith(file: string): string[] {
  return readdirSync(root).filter((scenario) => existsSync(`${root}${scenario}/openai-responses/${file}`))
}

/** The events of a stream, given in pieces. */
export function eventsOf(...pieces: Uint8Array[]): ChatEvent[] {
  const decoder = responsesCodec.eventDecoder()
  return [...pieces.flatMap((piece) => decoder.feed(piece)), ...decoder.end()]
}

/** The reply that a stream adds up to. */
export function replyOfText(text: string): ChatReply {
  return collect(eventsOf(encoder.encode(text)))
}

/** A stream of events as a server writes them. */
export function sse(...events: ({ type: string } & Record<string, unknown>)[]): string {
  return events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('')
}

/** A request of a client's, with as much of it as a test is about. */
export function requestOf(body: Record<string, unknown> = {}): ChatRequest {
  return responsesCodec.decodeRequest({ model: 'm', input: 'Hi', ...body })
}

/** For the answer to a request. */
export function contextOf(request: ChatRequest = requestOf()): ReplyContext {
  return { request, model: 'asked-for', replyId: 'r1', nowSeconds: 1_700_000_000 }
}

/** Without fields that are not set. */
export function told(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}
