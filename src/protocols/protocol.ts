import type { FailureDescription } from '../platform/failure'
import type { Member } from '../platform/json-scan'
import type { AnswerFacts, Usage } from './canonical'
import type { ClientCodec } from './codec'
import type { Settings } from './request'
import type { TokenEstimate } from './token-estimate'

/** The protocols that upstreams speak, by name. */
export type WireProtocolId = 'openai-chat' | 'openai-responses' | 'anthropic' | 'gemini' | 'bedrock-converse'

/** The protocols that clients speak too. */
export type ProtocolId = Exclude<WireProtocolId, 'bedrock-converse'>

/** What a path says of a request, in protocols where that is not in the body. */
export interface Address {
  model: string
  stream: boolean
}

/** What the gateway must know of a request to route it; everything else stays bytes. */
export interface RequestFacts {
  model: string | undefined
  stream: boolean
  /** The client asked for the usage of its stream, or gets it anyway: nothing is to be taken away from it. */
  wantsStreamUsage: boolean
  /** The answer is no events but a file that is relayed while it comes; `stream` is then set. */
  wantsBytes?: true
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
  /** An error event of the provider's; `status` is the HTTP status that it stands for, where it tells. */
  readonly error: { message: string; data: string; status?: number | undefined } | undefined
  readonly facts: AnswerFacts
}

/** Changes a stream on its way to the client, whole events at a time. */
export interface StreamFilter {
  change(bytes: Uint8Array): Uint8Array
  rest(): Uint8Array
}

/** Another frame around the events of a stream than theirs. */
export interface StreamFraming {
  contentType: string
  /** What keeps a silent connection alive without meaning anything. */
  keepAlive: string
  /** Events in, frames out; `rest` closes the frame. */
  filter(): StreamFilter
}

/** Which fields of a body are the protocol's own although a gateway parameter has the same name. */
export interface OwnFields {
  /** They travel on, and are not read as gateway parameters: `prompt` of a completion. */
  fields: ReadonlySet<string>
  /** The protocol's own members of `metadata`; undefined when all of `metadata` is the gateway's. */
  metadata?: 'all' | readonly string[] | undefined
}

/** One wire protocol as clients speak it: pure and synchronous, without fetch, environment or clock. */
export interface Protocol {
  id: string
  /** What a target must speak to be sent the client's own bytes. */
  speaks: WireProtocolId
  /** For targets that speak another one; undefined where nothing is translated. */
  codec?: ClientCodec | undefined
  /** Proofs of other families are carried in its own opaque fields, where a provider would take them for its own. */
  hidesProofs?: true
  /** What the log calls such a request; `chat` when absent. */
  logType?: string
  /** Behind the base URL, for what is not the protocol's own call for an answer. */
  path?(model: string, isStream: boolean): string
  /** What a body must have and may lack here: added when it is absent. */
  bodyDefaults?: Readonly<Record<string, unknown>>
  /** Fields that newer models know under another name only. */
  newerNames?: Readonly<Record<string, string>>
  /** What the protocol calls its settings, for models that refuse some of them. */
  settingNames?: Readonly<Partial<Record<keyof Settings, string>>>
  /** An answer of the gateway's own for a target that cannot be asked: an estimate, say. */
  answerLocally?(body: unknown): Record<string, unknown>
  /** How a stream is framed for the client, when not as server-sent events. */
  framing?: StreamFraming
  /** Whether the body names the model, so that it is replaced there; elsewhere the path does. */
  hasModelInBody: boolean
  /** Whether a request may or must be a form of type multipart/form-data; JSON only when absent. */
  forms?: 'too' | 'only'
  /** A reply may be something else than JSON: it keeps the content type of the upstream's. */
  hasOwnTypes?: true
  own: OwnFields
  /** @throws SluiceError `invalid_request` naming the field */
  readRequest(bytes: Uint8Array, members: readonly Member[], address?: Address): RequestFacts
  /** Edits that make the upstream report the usage of a stream, to insert or to replace; undefined where it does anyway. */
  askForStreamUsage?(bytes: Uint8Array, members: readonly Member[]): { key: string; json: string }
  streamReader(): StreamReader
  /** What a recorded stream adds up to, for the log, where no codec tells it. */
  collectStream?(bytes: Uint8Array): Record<string, unknown> | undefined
  /** Takes out again what `askForStreamUsage` asked for. */
  streamFilter?(): StreamFilter
  /** @throws Error with the reason when this is not a reply of the protocol */
  readReply(
    bytes: Uint8Array,
    contentType?: string,
  ): AnswerFacts & { error?: { message: string; status?: number } }
  /** Usage from the texts themselves, when the provider told none; undefined where the texts do not tell either. */
  estimateUsage(request: Uint8Array, response: Uint8Array, isStream: boolean): Usage | undefined
  /** What a request may use, for a reservation. */
  estimateTokens(request: Uint8Array, members: readonly Member[]): TokenEstimate
  encodeError(description: FailureDescription): string
  /** A whole event, for a stream that has begun. */
  errorEvent(description: FailureDescription): string
}
