import type { AnswerOptions } from './answer'
import type { Json, JsonObject } from './chat-request'
import type { ChunkStyle, UsageMode } from './chunks'
import type { CutOptions } from './cutter'
import type { Problem } from './dialect'
import type { RecordedCall } from './recorder'
import type { SseStyle } from './sse'
import type { UsageOverride } from './usage'
import type { Ending, HeaderValues } from './wire'

/** A JSON reply. */
export interface ReplyOptions extends AnswerOptions {
  /** Numbers instead of the computed ones; null leaves the usage out. */
  usage?: UsageOverride | null
  /** Added to the top level of the reply, or replacing a member of it. */
  extraFields?: JsonObject
  /** Before the headers. */
  delayMs?: number
  /** Added to the provider's usual headers; undefined takes one away. */
  headers?: HeaderValues
}

/** An SSE reply. */
export interface StreamOptions
  extends AnswerOptions,
    SseStyle,
    CutOptions,
    Partial<Omit<ChunkStyle, 'usageMode'>> {
  /**
   * Instead of the answer: objects become data lines, texts are written as they are. `done` still applies.
   */
  events?: (JsonObject | string)[]
  /** Between two events. */
  gapMs?: number
  /** Before the headers. */
  delayMs?: number
  /** Between the headers and the first event. */
  firstGapMs?: number
  usage?: UsageMode | UsageOverride | null
  /** Numbers instead of the computed ones, for any mode of `usage`. */
  tokens?: UsageOverride
  /** false: no `data: [DONE]`. */
  done?: boolean
  /** Added to the top level of every chunk. */
  extraFields?: JsonObject
  headers?: HeaderValues
}

/** How a stream goes wrong once `afterEvents` events are out. */
export interface StreamFault {
  how: Exclude<Ending, 'clean'> | 'end' | 'error'
  afterEvents: number
  /** Half of the next event is still sent. */
  insideEvent?: boolean
  /** For 'error': the event instead of the provider's usual one. */
  error?: JsonObject
}

/** A part of a raw body, with a pause before it. */
export type RawChunk = Uint8Array | string | { bytes: Uint8Array | string; delayMs?: number }

/** A reply given in bytes. */
export interface RawReply {
  status?: number
  headers?: HeaderValues
  chunks?: RawChunk[]
  delayMs?: number
  /** How the connection goes on after the chunks. */
  ending?: Ending
}

/** What the fake does with one call. */
export type Step =
  | { kind: 'answer'; options: ReplyOptions & StreamOptions }
  | { kind: 'reply'; options: ReplyOptions; truncated?: Ending }
  | { kind: 'stream'; options: StreamOptions }
  | { kind: 'broken-stream'; options: StreamOptions; fault: StreamFault }
  | { kind: 'drip'; options: StreamOptions }
  | { kind: 'raw'; reply: RawReply }
  | { kind: 'status'; status: number; body?: JsonObject | string; headers: HeaderValues }
  | { kind: 'problem'; problem: Problem }
  | { kind: 'error-with-200' }
  | { kind: 'no-reply'; how: 'close' | 'reset' | 'hang' }
  | { kind: 'after'; wait: number | Promise<unknown>; step: Step }
  | { kind: 'by-call'; choose: (call: RecordedCall) => Step }

/**
 * Answers as the real provider does: JSON or a stream, as the request asks; or its 400, where the history in the request
 * is one that it does not accept.
 */
export function answer(options: ReplyOptions & StreamOptions = {}): Step {
  return { kind: 'answer', options }
}

/** A JSON reply, whatever the request asks for. */
export function reply(options: ReplyOptions = {}): Step {
  return { kind: 'reply', options }
}

/** A streamed reply, whatever the request asks for. */
export function stream(options: StreamOptions = {}): Step {
  return { kind: 'stream', options }
}

/** Does a step later: after some milliseconds, or when the test resolves a promise. */
export function after(wait: number | Promise<unknown>, step: Step): Step {
  return { kind: 'after', wait, step }
}

/** Lets the call decide, for example by its key. */
export function byCall(choose: (call: RecordedCall) => Step): Step {
  return { kind: 'by-call', choose }
}

/** A reply in bytes, for recorded traffic: each chunk is one write. */
export function raw(options: RawReply): Step {
  return { kind: 'raw', reply: options }
}

/** A whole JSON document as a raw reply. */
export function json(value: Json, status = 200, headers: HeaderValues = {}): Step {
  const chunks = [`${JSON.stringify(value, null, 2)}\n`]
  return raw({ status, headers: { 'content-type': 'application/json', ...headers }, chunks })
}
