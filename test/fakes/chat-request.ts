/** A JSON value; members that are undefined are left out of the text, as JSON.stringify does. */
export type Json = null | boolean | number | string | Json[] | JsonObject
/** A JSON object. */
export type JsonObject = { [key: string]: Json | undefined }

/** One message of a conversation, as far as the fake looks at it. */
export interface ChatMessage {
  role: string
  content?: string | { type: string; text?: string }[] | null
  tool_calls?: { id?: string }[]
  tool_call_id?: string
}

/** One tool on offer. */
export interface ChatTool {
  function?: { name: string; parameters?: JsonSchema }
}

/** The part of JSON Schema that the fake can make a sample of. */
export interface JsonSchema {
  /** Google writes it in capitals. */
  type?: string | string[]
  enum?: Json[]
  properties?: Record<string, JsonSchema>
}

/** The body of POST /chat/completions, as far as the fake looks at it. */
export interface ChatRequest {
  model: string
  messages: ChatMessage[]
  stream?: boolean | null
  stream_options?: { include_usage?: boolean; include_obfuscation?: boolean } | null
  tools?: ChatTool[] | null
  tool_choice?: string | { function?: { name?: string } } | null
  response_format?: { type?: string; json_schema?: { schema?: JsonSchema } } | null
  n?: number | null
  max_tokens?: number | null
  max_completion_tokens?: number | null
  logprobs?: boolean | null
}

/** The request in a parsed body; never fails, so that a script can answer any call. */
export function asChatRequest(body: unknown): ChatRequest {
  const fields: Partial<ChatRequest> = typeof body === 'object' && body !== null ? body : {}
  return {
    ...fields,
    model: typeof fields.model === 'string' ? fields.model : '',
    messages: Array.isArray(fields.messages) ? fields.messages : [],
  }
}

/** The text of a message: parts are joined, other kinds of parts say nothing. */
export function textOf(message: ChatMessage): string {
  if (!Array.isArray(message.content)) return message.content ?? ''
  return message.content.map((part) => part.text ?? '').join('')
}

/** What the user said last. */
export function lastUserText(request: ChatRequest): string {
  const message = request.messages.findLast(({ role }) => role === 'user')
  return message === undefined ? '' : textOf(message)
}

/** A value that fits the schema; strings carry `text`. */
export function sampleOf(schema: JsonSchema | undefined, text: string): Json {
  if (schema?.enum?.[0] !== undefined) return schema.enum[0]
  const { type } = schema ?? {}
  switch ((Array.isArray(type) ? type[0] : type)?.toLowerCase()) {
    case 'string':
      return text
    case 'number':
    case 'integer':
      return 1
    case 'boolean':
      return true
    case 'array':
      return []
    default: {
      const properties = Object.entries(schema?.properties ?? {})
      return Object.fromEntries(properties.map(([key, inner]) => [key, sampleOf(inner, text)]))
    }
  }
}
