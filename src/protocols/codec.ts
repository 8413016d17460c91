import type { ChatEvent, ChatReply, UpstreamError } from './answer'
import type { ChatRequest } from './request'

/** What a model is known to take, from the table in `providers/`; protocols turn it into their own words. */
export interface ModelTraits {
  /** Settings that the model answers with an error: they are left out and reported as losses. */
  refuses?: readonly (
    | 'temperature'
    | 'topP'
    | 'topK'
    | 'presencePenalty'
    | 'frequencyPenalty'
    | 'stop'
    | 'logprobs'
    | 'logitBias'
    | 'seed'
  )[]
  /** How thinking is asked for: in grades, as a budget of tokens, adaptively in grades, or not at all. */
  reasoning?: 'effort' | 'budget' | 'adaptive' | 'none' | undefined
  /** The grades that the model knows, weakest first. */
  efforts?: readonly string[] | undefined
  /** Whether the model takes a JSON Schema for its answer; where not, a tool stands in for it. */
  hasStructuredOutput?: boolean | undefined
  /** Whether the limit of output is called `max_completion_tokens` (chat completions of OpenAI's newer models). */
  wantsMaxCompletionTokens?: boolean | undefined
  /** Whether the model refuses a temperature and a `topP` in one request. */
  hasOneSampler?: boolean | undefined
  /** The most output tokens, for protocols where a limit is required. */
  maxOutputTokens?: number | undefined
}

/** For whom a request is written. */
export interface EncodeTarget {
  /** As the provider names it. */
  model: string
  traits: ModelTraits
}

/** A request in a protocol's words. */
export interface EncodedRequest {
  body: Record<string, unknown>
  /** What the target cannot carry and does without, by the client's own names and paths. */
  losses: string[]
  /** Tools that stand in for something else; calls of them are turned back in the answer. */
  standIns: StandIns
}

/** What was emulated with tools, by the tools' names as they are sent. */
export interface StandIns {
  /** Its arguments are the answer's text. */
  structuredOutput?: string | undefined
  /** Their argument `input` is the free text of a custom tool. */
  customTools?: readonly string[] | undefined
  /** Tools that the target cannot call as the client does, and what the client calls them. */
  renamed?: Readonly<Record<string, string>> | undefined
}

/** What an answer in the client's protocol needs beside the answer itself. */
export interface ReplyContext {
  /** As the client asked. */
  request: ChatRequest
  /** For an answer whose provider tells none. */
  model: string
  /** Unique to the request, of letters, digits, `-` and `_`: ids that the provider did not give are made of it. */
  replyId: string
  nowSeconds: number
}

/** Bytes of an upstream's stream to events. */
export interface EventDecoder {
  /** Bytes in order, cut anywhere. */
  feed(bytes: Uint8Array): ChatEvent[]
  /** No more bytes come: what is left counts as the last event. */
  end(): ChatEvent[]
}

/** Events to the text of the client's stream; whatever comes in, what goes out is in legal order. */
export interface EventEncoder {
  encode(events: readonly ChatEvent[]): string
}

/** A protocol as clients speak it. Pure and synchronous. */
export interface ClientCodec {
  /**
   * @param address what a path says instead of the body, in protocols that do so
   * @throws SluiceError `invalid_request` naming the field
   */
  decodeRequest(body: unknown, address?: { model: string; stream: boolean }): ChatRequest
  encodeReply(reply: ChatReply, context: ReplyContext): Record<string, unknown>
  eventEncoder(context: ReplyContext): EventEncoder
}

/** A protocol as upstreams speak it. Pure and synchronous. */
export interface UpstreamCodec {
  /** @throws SluiceError `untranslatable` for content or tools that cannot be said at all, naming the client's field */
  encodeRequest(request: ChatRequest, target: EncodeTarget): EncodedRequest
  /** @throws Error with the reason when this is not a reply of the protocol */
  decodeReply(body: unknown): ChatReply
  eventDecoder(): EventDecoder
  /** The error in a body with an error status; undefined when there is none that the protocol knows. */
  decodeError(status: number, body: Uint8Array): UpstreamError | undefined
}
