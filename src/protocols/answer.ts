import type { Usage } from './canonical'
import type { Citation, Part, ReasoningProof } from './parts'

/**
 * Why an answer ended. `pause`: the provider stopped a long turn of its own tools, to be sent back as it is.
 * `refusal`: the model declined; `content_filter`: a filter of the provider's cut in.
 */
export type FinishReason =
  | 'stop'
  | 'stop_sequence'
  | 'length'
  | 'tool_calls'
  | 'content_filter'
  | 'refusal'
  | 'pause'
  | 'context_length'
  | 'malformed_tool_call'
  | 'other'

/** One of an answer's choices. */
export interface Choice {
  index: number
  parts: readonly Part[]
  finish: FinishReason
  /** The sequence that stopped it, where the protocol tells. */
  stopSequence?: string | undefined
  /** In the shape of OpenAI Chat Completions. */
  logprobs?: unknown | undefined
}

/** A whole answer in no protocol's words. */
export interface ChatReply {
  id?: string | undefined
  /** As the provider names it. */
  model?: string | undefined
  createdAtSeconds?: number | undefined
  choices: readonly Choice[]
  usage?: Usage | undefined
  serviceTier?: string | undefined
}

/** An error as a provider told it. */
export interface UpstreamError {
  message: string
  /** The HTTP status that it has or stands for. */
  status: number
  /** The provider's own word for it, such as `rate_limit_error` or `context_length_exceeded`. */
  code?: string | undefined
  param?: string | undefined
  /** How long it asks to be left alone, where it says so in the body. */
  retryAfterSeconds?: number | undefined
}

/**
 * What happens in a stream of an answer. A text, a reasoning or a refusal begins with its first piece and ends when
 * something else begins, at `part_end`, or at `finish`. Calls are told apart by `call`, counted from 0 in the order
 * of their beginnings; their pieces may be interleaved.
 */
export type ChatEvent =
  | {
      kind: 'start'
      id?: string | undefined
      model?: string | undefined
      createdAtSeconds?: number | undefined
      serviceTier?: string | undefined
    }
  | { kind: 'text'; choice: number; text: string; logprobs?: unknown | undefined }
  | { kind: 'refusal'; choice: number; text: string }
  | { kind: 'citation'; choice: number; citation: Citation }
  | { kind: 'reasoning'; choice: number; text: string; isSummary?: boolean | undefined }
  /** The proof of the part that is open, or of a part without text (an encrypted one) when none is. */
  | { kind: 'proof'; choice: number; of: 'reasoning' | 'text'; proof: ReasoningProof }
  /** Two parts of one kind follow each other. */
  | { kind: 'part_end'; choice: number }
  | {
      kind: 'tool_call'
      choice: number
      call: number
      id: string
      name: string
      isCustom?: boolean | undefined
      proof?: ReasoningProof | undefined
    }
  | { kind: 'tool_arguments'; choice: number; call: number; json: string }
  | { kind: 'tool_call_end'; choice: number; call: number }
  /** A part that comes in one piece: an image, a sound, something native. */
  | { kind: 'part'; choice: number; part: Part }
  | { kind: 'finish'; choice: number; reason: FinishReason; stopSequence?: string | undefined }
  /** All counts so far; a later one replaces an earlier one. */
  | { kind: 'usage'; usage: Usage }
  | { kind: 'error'; error: UpstreamError; data: string }
  /** The protocol's terminal marker. A stream without it is incomplete. */
  | { kind: 'end' }
