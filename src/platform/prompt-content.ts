/** One message of a prompt, as chat completions writes it; its texts are templates. */
export interface PromptMessage {
  role: string
  content?: string | null | readonly Readonly<Record<string, unknown>>[]
  [field: string]: unknown
}

/** A model among those that share a prompt's requests. */
export interface PromptBalancedModel {
  model: string
  weight: number
}

/** What a version of a prompt says; what it does not say is absent. */
export interface PromptContent {
  messages: readonly PromptMessage[]
  model?: string
  /** Sent with the messages, by the names of chat completions: `temperature`, `tools`, `response_format`. */
  parameters: Readonly<Record<string, unknown>>
  fallbackModels?: readonly string[]
  loadBalanceModels?: readonly PromptBalancedModel[]
  /** Defaults by variable; a list holds the choices, of which the first is the default, and null is no default. */
  variables: Readonly<Record<string, unknown>>
  /** A variable that is not given is empty instead of an error. */
  missingVariables?: 'empty'
  /** Kept for clients that read it back; whether to stream is the request's to say. */
  stream?: boolean
  jsonSchema?: Readonly<Record<string, unknown>>
  /** False keeps the version's `response_format` from being sent. */
  isEnforcingResponseFormat?: boolean
}

/** One version of an experiment, with its share. */
export interface ExperimentArm {
  version: number
  weight: number
}
