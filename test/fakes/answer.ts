import { type ChatRequest, type JsonObject, lastUserText, sampleOf } from './chat-request'
import { fakeId, tokensOf } from './tokens'

/** What the model says. Without content, refusal or tool calls it answers as the unscripted fake does. */
export interface AnswerOptions {
  /** A text is cut into tokens; an array is the tokens themselves, one event each. */
  content?: string | string[]
  reasoning?: string | string[]
  /** The reasoning is there, but its text is kept back: only its proof is told. */
  isRedacted?: boolean
  refusal?: string
  toolCalls?: ToolCallOptions[]
  /**
   * By default what fits: stop, tool_calls or length. Others of OpenAI's words, and refusal, stop_sequence, pause and
   * context_length, are told in the protocol's own words where it has them; any other text as it is.
   */
  finishReason?: string
  /** Choices; by default what the request asks for. Those after the first end in ` #2`, ` #3` ... */
  n?: number
}

/** A tool call to make; arguments that are a text are sent as they are, even when they are not JSON. */
export interface ToolCallOptions {
  name: string
  arguments: string | JsonObject
  id?: string
}

/** One choice, in tokens. */
export interface Answer {
  content: string[]
  reasoning: string[]
  isRedacted: boolean
  refusal: string[]
  toolCalls: { id: string; name: string; arguments: string }[]
  finishReason: string
}

/** The answers to a request, one per choice. `callId` makes the ids of tool calls unique, after their prefix. */
export function answersTo(
  request: ChatRequest,
  options: AnswerOptions,
  callId: number,
  callPrefix = 'call_',
): Answer[] {
  const isScripted = (options.content ?? options.refusal ?? options.toolCalls) !== undefined
  const said = isScripted ? options : { ...ownAnswer(request), ...options }
  const count = options.n ?? request.n ?? 1
  return Array.from({ length: count }, (_, index) =>
    limited(request, isScripted, answer(said, index, { callId, callPrefix })),
  )
}

/**
 * What the fake says by itself: a tool call when tools are on offer, JSON when that is asked for, else an
 * echo.
 */
function ownAnswer(request: ChatRequest): AnswerOptions {
  const text = lastUserText(request)
  const tool = chosenTool(request)
  if (tool !== undefined) {
    const sample = sampleOf(tool.parameters, text)
    return { toolCalls: [{ name: tool.name, arguments: JSON.stringify(sample) }] }
  }
  const { type, json_schema } = request.response_format ?? {}
  if (type === 'json_object') return { content: JSON.stringify({ echo: text }) }
  if (type === 'json_schema') return { content: JSON.stringify(sampleOf(json_schema?.schema, text)) }
  return { content: `echo: ${text}` }
}

/** A tool is called once: after its result the model talks. */
function chosenTool(request: ChatRequest) {
  const { tool_choice: choice } = request
  const tools = request.tools ?? []
  if (choice === 'none' || request.messages.at(-1)?.role === 'tool') return undefined
  const name = typeof choice === 'object' ? choice?.function?.name : undefined
  return (tools.find((tool) => tool.function?.name === name) ?? tools[0])?.function
}

interface CallNames {
  callId: number
  callPrefix: string
}

function answer(options: AnswerOptions, index: number, { callId, callPrefix }: CallNames): Answer {
  const content = inTokens(options.content)
  if (index > 0 && content.length > 0) content.push(` #${index + 1}`)
  const toolCalls = (options.toolCalls ?? []).map((call, nth) => ({
    id: call.id ?? fakeId(callPrefix, 24, callId, index, nth),
    name: call.name,
    arguments: typeof call.arguments === 'string' ? call.arguments : JSON.stringify(call.arguments),
  }))
  return {
    content,
    reasoning: inTokens(options.reasoning),
    isRedacted: options.isRedacted === true,
    refusal: inTokens(options.refusal),
    toolCalls,
    finishReason: options.finishReason ?? (toolCalls.length > 0 ? 'tool_calls' : 'stop'),
  }
}

/** The fake's own answers keep to the request's token limit; a script says what it likes. */
function limited(request: ChatRequest, isScripted: boolean, whole: Answer): Answer {
  const limit = request.max_completion_tokens ?? request.max_tokens ?? Number.POSITIVE_INFINITY
  if (isScripted || whole.content.length <= limit) return whole
  return { ...whole, content: whole.content.slice(0, limit), finishReason: 'length' }
}

function inTokens(text: string | string[] | undefined): string[] {
  return Array.isArray(text) ? [...text] : tokensOf(text ?? '')
}
