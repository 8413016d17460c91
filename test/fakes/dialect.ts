import type { ChatRequest, JsonObject } from './chat-request'
import type { Content } from './completion'
import type { Framing } from './framing'
import type { ErrorContext, ProviderError } from './provider-errors'
import type { RecordedCall } from './recorder'
import type { Step, StreamOptions } from './steps'
import type { Store } from './store'
import type { HeaderValues } from './wire'

/** One event of a stream: an object in the protocol's framing, or text written as it is. */
export type StreamEvent = JsonObject | string

/** An event of a whole reply; terminal ones say that it is over, and those with text can be repeated at will. */
export interface Chunk {
  data: StreamEvent
  isTerminal: boolean
  isText?: boolean
}

/** A whole reply that is no JSON. */
export class ReadyBody {
  constructor(
    readonly body: Uint8Array | string,
    readonly contentType: string,
  ) {}
}

/** What is said, to whom. */
export interface Told extends Content {
  call: RecordedCall
  store: Store
}

/** A call, and what the provider remembers. */
export interface Asked {
  call: RecordedCall
  store: Store
}

/** Errors that need their own treatment, besides those that a status tells. */
export type Problem =
  | { name: 'quota-exhausted' }
  | { name: 'context-too-long'; limit: number; used: number }
  | { name: 'content-blocked' }
  | { name: 'echo-auth' }

/** How one provider says what a step means. */
export interface Dialect {
  /** Before the ids of tool calls. */
  callPrefix: string
  /** The conversation, in the words of OpenAI Chat Completions; never fails. */
  readRequest(call: RecordedCall): ChatRequest
  isStream(call: RecordedCall): boolean
  headers(callId: number): HeaderValues
  framing(call: RecordedCall): Framing
  reply(told: Told): JsonObject | ReadyBody
  events(told: Told, options: StreamOptions): Chunk[]
  /** What ends a stream after its last event, or after an error. */
  done(call: RecordedCall): readonly string[]
  /** An error in a stream that has begun. */
  errorEvent(context: ErrorContext): JsonObject
  error(status: number, context: ErrorContext): ProviderError
  problem(problem: Problem, context: ErrorContext): Step
  /** An error in a 200. */
  errorWith200(context: ErrorContext): JsonObject
  /** The provider's no to a history that it does not accept; asked before every `answer`. */
  refusal(asked: Asked): Step | undefined
  /** What is done with a call that no script speaks of. */
  unscripted(asked: Asked): Step | Promise<Step>
}
