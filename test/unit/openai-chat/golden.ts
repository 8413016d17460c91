import { readdirSync, readFileSync } from 'node:fs'
import type { ChatReply } from '../../../src/protocols/answer'
import type { ReplyContext } from '../../../src/protocols/codec'
import { collect } from '../../../src/protocols/collect'
import { chatCodec } from '../../../src/protocols/openai-chat/codec'
import type { ChatRequest } from '../../../src/protocols/request'

const root = `${import.meta.dirname}/../../golden/`

/** A file of a scenario, as the provider wrote it. */
export function golden(scenario: string, file: string): string {
  return readFileSync(`${root}${scenario}/openai-chat/${file}`, 'utf8')
}

/** The same as JSON. */
export function goldenJson(scenario: string, file: string): Record<string, unknown> {
  return JSON.parse(golden(scenario, file))
}

/** The scenarios that have a file of this name. */
export function scenariosWith(file: string): string[] {
  return readdirSync(root).filter((scenario) => {
    const files = readdirSync(`${root}${scenario}`).includes('openai-chat')
      ? readdirSync(`${root}${scenario}/openai-chat`)
      : []
    return files.includes(file)
  })
}

/** The events of a stream, given in pieces. */
export function eventsOf(...pieces: Uint8Array[]) {
  const decoder = chatCodec.eventDecoder()
  return [...pieces.flatMap((piece) => decoder.feed(piece)), ...decoder.end()]
}

/** The events of a stream given as text. */
export function eventsOfText(text: string) {
  return eventsOf(new TextEncoder().encode(text))
}

/** The reply that a stream adds up to. */
export function replyOfText(text: string): ChatReply {
  return collect(eventsOfText(text))
}

/** A request of a client's, with as much of it as a test is about. */
export function requestOf(body: Record<string, unknown> = {}): ChatRequest {
  return chatCodec.decodeRequest({ messages: [{ role: 'user', content: 'Hi' }], ...body })
}

/** The same meaning from a client of another protocol. */
export function foreign(request: ChatRequest): ChatRequest {
  return { ...request, protocol: 'anthropic' }
}

/** For the answer to a request. */
export function contextOf(request: ChatRequest = requestOf()): ReplyContext {
  return { request, model: 'asked-for', replyId: 'r1', nowSeconds: 1_700_000_000 }
}
