import type { FailureDescription } from '../platform/failure'
import type { Member } from '../platform/json-scan'
import type { AnswerFacts, Usage } from './canonical'

/** The wire protocols by name. */
export type ProtocolId = 'openai-chat'

/** What the gateway must know of a request to route it; everything else stays bytes. */
export interface RequestFacts {
  model: string | undefined
  stream: boolean
  /** The client asked for the usage chunk, so it is not taken away from it. */
  wantsStreamUsage: boolean
}

/** Reads along with a stream of events; it never changes a byte. */
export interface StreamReader {
  /** Bytes in order, cut anywhere. */
  feed(bytes: Uint8Array): void
  /** No more bytes come: what is left counts as the last event. */
  end(): void
  /** Content, reasoning, a tool call or a finish has come: from here on no other target may take over. */
  readonly hasContent: boolean
  /** The protocol's terminal marker has come. */
  readonly isComplete: boolean
  /** An error event of the provider's. */
  readonly error: { message: string; data: string } | undefined
  readonly facts: AnswerFacts
}

/** Takes the usage chunk, which only the gateway asked for, out of a stream. */
export interface StreamFilter {
  change(bytes: Uint8Array): Uint8Array
  rest(): Uint8Array
}

/** One wire protocol: pure and synchronous, without fetch, environment or clock. */
export interface Protocol {
  id: ProtocolId
  /** Behind the base URL. */
  path: string
  /** @throws SluiceError `invalid_request` naming the field */
  readRequest(bytes: Uint8Array, members: readonly Member[]): RequestFacts
  /** Edits that make the upstream report the usage of a stream: text by key, to insert or to replace. */
  askForStreamUsage(bytes: Uint8Array, members: readonly Member[]): { key: string; json: string }
  streamReader(): StreamReader
  streamFilter(): StreamFilter
  /** @throws Error with the reason when this is not a reply of the protocol */
  readReply(bytes: Uint8Array): AnswerFacts & { error?: { message: string; status?: number } }
  /** Usage from the texts themselves, when the provider told none. */
  estimateUsage(request: Uint8Array, response: Uint8Array, isStream: boolean): Usage
  /** The most tokens that a request may use, for a reservation: its input and the output that it allows. */
  estimateTokens(request: Uint8Array, members: readonly Member[]): number
  encodeError(description: FailureDescription): string
  /** A whole event, for a stream that has begun. */
  errorEvent(description: FailureDescription): string
}
