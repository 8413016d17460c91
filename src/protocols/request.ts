import type { Part } from './parts'
import type { WireProtocolId } from './protocol'

/** Fields that only one protocol has: they travel on when the target speaks it too, and are a loss when it does not. */
export interface Extras {
  protocol: WireProtocolId
  fields: Readonly<Record<string, unknown>>
  /** Where the fields stand in the client's request: `''` at its top, or a path such as `messages[0]`. */
  at: string
}

/** Who speaks. A tool's result is a part of a user's message, wherever a protocol puts it. */
export type Role = 'system' | 'developer' | 'user' | 'assistant'

/** One turn, or a part of one: neighbours of the same role are one turn where a protocol wants turns to alternate. */
export interface Message {
  role: Role
  /** The speaker's name, for protocols that tell several users apart. */
  name?: string | undefined
  parts: readonly Part[]
  /** Where it stands in the client's request, such as `messages[2]`. */
  at: string
  extras?: Extras | undefined
}

/** JSON Schema as the client wrote it. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** A prompt-cache marker behind a tool or a part: what comes up to here may be kept by the provider. */
export interface CacheMarker {
  ttl?: '5m' | '1h' | undefined
}

/** Something that the model may call. */
export type Tool =
  | {
      kind: 'function'
      name: string
      description?: string | undefined
      parameters?: JsonSchema | undefined
      strict?: boolean | undefined
      cache?: CacheMarker | undefined
      at: string
      extras?: Extras | undefined
    }
  /** Called with free text instead of JSON; `format` is the grammar, in the terms of OpenAI's custom tools. */
  | {
      kind: 'custom'
      name: string
      description?: string | undefined
      format?: JsonSchema | undefined
      at: string
    }
  /** Run by the provider: every protocol has it. `value` is the tool as its own protocol wrote it. */
  | { kind: 'web_search'; protocol: WireProtocolId; value: Readonly<Record<string, unknown>>; at: string }
  /** Run by the provider, and known to one protocol only. */
  | {
      kind: 'native'
      type: string
      protocol: WireProtocolId
      value: Readonly<Record<string, unknown>>
      at: string
    }

/** Which tools must or may be called. */
export type ToolChoice =
  | { kind: 'auto' | 'none' | 'required' }
  | { kind: 'tool'; name: string }
  | { kind: 'allowed'; mode: 'auto' | 'required'; names: readonly string[] }

/** The form that an answer must have. */
export type ResponseFormat =
  | { kind: 'text' | 'json' }
  | {
      kind: 'json_schema'
      name?: string | undefined
      description?: string | undefined
      schema: JsonSchema
      strict?: boolean | undefined
    }

/** How hard to think, weakest first; a protocol with fewer grades takes the nearest one. */
export type Effort = 'none' | 'minimal' | 'low' | 'medium' | 'high' | 'xhigh' | 'max'

/** What is asked of the model's reasoning; `effort` and `budgetTokens` are two ways to say the same, seldom both. */
export interface Reasoning {
  effort?: Effort | undefined
  /** -1 leaves it to the model. */
  budgetTokens?: number | undefined
  /** Said outright: thinking is on, or off, whatever the effort. */
  isEnabled?: boolean | undefined
  /** The model decides for itself how much, up to `effort`. */
  isAdaptive?: boolean | undefined
  /** Whether the reasoning is told in the answer, and as what. */
  shown?: 'none' | 'auto' | 'concise' | 'detailed' | undefined
  /** The client wants the opaque form too, to send it back in the next turn. */
  wantsEncrypted?: boolean | undefined
}

/** Scalars and small objects that steer a model; each is absent when the client did not set it. */
export interface Settings {
  maxOutputTokens?: number | undefined
  temperature?: number | undefined
  topP?: number | undefined
  topK?: number | undefined
  presencePenalty?: number | undefined
  frequencyPenalty?: number | undefined
  seed?: number | undefined
  stop?: readonly string[] | undefined
  /** How many answers. */
  choiceCount?: number | undefined
  logprobs?: boolean | undefined
  topLogprobs?: number | undefined
  logitBias?: Readonly<Record<string, number>> | undefined
  responseFormat?: ResponseFormat | undefined
  reasoning?: Reasoning | undefined
  verbosity?: string | undefined
  /** `auto`, `default`, `flex`, `priority`, `standard_only`, or a provider's own. */
  serviceTier?: string | undefined
  /** Of the end user, for the provider's abuse detection. */
  endUserId?: string | undefined
  store?: boolean | undefined
  /** The provider's own metadata, not the gateway's. */
  metadata?: Readonly<Record<string, unknown>> | undefined
  promptCacheKey?: string | undefined
  promptCacheRetention?: string | undefined
  parallelToolCalls?: boolean | undefined
  toolChoice?: ToolChoice | undefined
}

/** A request for an answer in no protocol's words. */
export interface ChatRequest {
  /** The protocol that it came in. */
  protocol: WireProtocolId
  model: string | undefined
  stream: boolean
  /** The client wants the usage in its stream, where that is a choice. */
  wantsStreamUsage: boolean
  messages: readonly Message[]
  tools: readonly Tool[]
  settings: Settings
  /** What the client calls each setting, for losses and errors: `max_tokens`, `generationConfig.topK`. */
  names: Readonly<Partial<Record<keyof Settings, string>>>
  /** The id of a stored answer that this one continues. */
  previousResponseId?: string | undefined
  extras?: Extras | undefined
}
