import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { ChatEvent } from '../../../src/protocols/answer'
import { NO_USAGE, type Usage } from '../../../src/protocols/canonical'
import type { EncodeTarget, ReplyContext } from '../../../src/protocols/codec'
import { geminiCodec } from '../../../src/protocols/gemini/codec'
import type { ChatRequest, Message } from '../../../src/protocols/request'

const GOLDEN = resolve(import.meta.dirname, '../../golden')
const encoder = new TextEncoder()

/** The scenarios that have a whole exchange. */
export const SCENARIOS = [
  ...['text', 'tool-call', 'tool-result', 'parallel-tools', 'reasoning', 'reasoning-tools'],
  ...['image', 'pdf', 'refusal', 'length', 'structured', 'cache'],
]

/** A JSON file of a golden exchange, as it was parsed. */
export function golden(scenario: string, name: 'request' | 'reply' | 'errors') {
  return JSON.parse(readFileSync(resolve(GOLDEN, scenario, 'gemini', `${name}.json`), 'utf8'))
}

/** The stream of a golden exchange. */
export function goldenStream(scenario: string): Uint8Array {
  const path = resolve(GOLDEN, scenario, 'gemini', 'stream.sse')
  return existsSync(path) ? readFileSync(path) : new Uint8Array(0)
}

/** The text of events as the upstream sends them. */
export function sse(...events: unknown[]): string {
  return events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')
}

/** What a decoder tells of pieces of a stream. */
export function decoded(...pieces: (string | Uint8Array)[]): ChatEvent[] {
  const decoder = geminiCodec.eventDecoder()
  const told = pieces.flatMap((piece) =>
    decoder.feed(typeof piece === 'string' ? encoder.encode(piece) : piece),
  )
  return [...told, ...decoder.end()]
}

/** A usage with some counts. */
export function usageOf(counts: Partial<Usage>): Usage {
  return { ...NO_USAGE, ...counts }
}

/** A request of a chat completions client. */
export function chatRequest(
  messages: readonly Omit<Message, 'at'>[],
  more: Partial<ChatRequest> = {},
): ChatRequest {
  return {
    protocol: 'openai-chat',
    model: 'model-1',
    stream: false,
    wantsStreamUsage: false,
    messages: messages.map((message, index) => ({ ...message, at: `messages[${index}]` })),
    tools: [],
    settings: {},
    names: {},
    ...more,
  }
}

/** A target with some traits. */
export function target(traits: EncodeTarget['traits'] = {}): EncodeTarget {
  return { model: 'model-1', traits }
}

/** What answers are encoded with. */
export const context: ReplyContext = {
  request: chatRequest([]),
  model: 'model-1',
  replyId: 'reply-1',
  nowSeconds: 1,
}

/** Undefined fields are as good as absent. */
export function plain(value: unknown) {
  return JSON.parse(JSON.stringify(value))
}
