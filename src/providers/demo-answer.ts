import { type DemoAsk, type Fields, isFields, isList, isToolResult } from './demo-ask'

/** What the demo provider says in every choice: text, or one call of a tool with its arguments as JSON. */
export interface DemoAnswer {
  content: string | null
  call: { name: string; arguments: string } | undefined
  finishReason: 'stop' | 'length' | 'tool_calls'
}

/** OpenAI's usage object; the counts are estimates: see `usageOf`. */
export interface DemoUsage {
  prompt_tokens: number
  completion_tokens: number
  total_tokens: number
  prompt_tokens_details: { cached_tokens: number; audio_tokens: number }
  completion_tokens_details: {
    reasoning_tokens: number
    audio_tokens: number
    accepted_prediction_tokens: number
    rejected_prediction_tokens: number
  }
}

const charactersPerToken = 4
const tokensPerMessage = 3
const maxDepth = 8

/**
 * The answer to a request, the same each time: a call of the tool, JSON by the schema, or else the text of the tool
 * results or of the last user message. `max_tokens` cuts any of them, as a model would.
 */
export function answerTo(ask: DemoAsk): DemoAnswer {
  if (ask.tool !== undefined) {
    const { name, parameters } = ask.tool
    const whole = JSON.stringify(sample({ type: 'object', ...parameters }, userText(ask)))
    const { text, isCut } = cut(whole, ask.maxTokens, name.length)
    return { content: null, call: { name, arguments: text }, finishReason: isCut ? 'length' : 'tool_calls' }
  }
  const echo = echoOf(ask)
  const whole = ask.json === undefined ? beforeStop(echo, ask.stops) : jsonText(ask.json.schema, echo)
  const { text, isCut } = cut(whole, ask.maxTokens, 0)
  return { content: text, call: undefined, finishReason: isCut ? 'length' : 'stop' }
}

/** 4 characters a token, rounded up; each message costs 3 tokens more, and each choice is counted. */
export function usageOf(ask: DemoAsk, answer: DemoAnswer): DemoUsage {
  const { content, call } = answer
  const said = `${content ?? ''}${call?.name ?? ''}${call?.arguments ?? ''}`.length
  const prompt = ask.messages.reduce((sum, { text }) => sum + tokens(text.length) + tokensPerMessage, 0)
  const completion = tokens(said) * ask.choices
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: 0,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  }
}

function tokens(characters: number): number {
  return Math.ceil(characters / charactersPerToken)
}

function echoOf(ask: DemoAsk): string {
  const results = ask.messages.slice(ask.messages.findLastIndex((message) => !isToolResult(message)) + 1)
  return results.length === 0 ? userText(ask) : results.map(({ text }) => text).join('\n')
}

function userText(ask: DemoAsk): string {
  return (ask.messages.findLast(({ role }) => role === 'user') ?? ask.messages.at(-1))?.text ?? ''
}

function beforeStop(text: string, stops: readonly string[]): string {
  const ends = stops.filter((stop) => stop !== '').map((stop) => text.indexOf(stop))
  return text.slice(0, Math.min(...ends.filter((end) => end >= 0), text.length))
}

function cut(text: string, maxTokens: number | undefined, spent: number): { text: string; isCut: boolean } {
  const room = Math.max(0, (maxTokens ?? Number.POSITIVE_INFINITY) * charactersPerToken - spent)
  if (text.length <= room) return { text, isCut: false }
  // Not through the middle of a surrogate pair: the rest would not be valid Unicode.
  return { text: text.slice(0, room).replace(/[\ud800-\udbff]$/, ''), isCut: true }
}

function jsonText(schema: unknown, text: string): string {
  return JSON.stringify(schema === undefined ? { text } : sample(schema, text))
}

/** The smallest value that a JSON schema describes, with the text wherever it wants a string. */
function sample(root: unknown, text: string): unknown {
  return build(root, 0)

  function build(node: unknown, depth: number): unknown {
    // Schemas may refer to themselves.
    if (depth > maxDepth) return null
    if (!isFields(node)) return text
    const { $ref, const: constant, enum: values, items } = node
    const inner = $ref === undefined ? alternative(node) : target($ref)
    if (inner !== undefined) return build(inner, depth + 1)
    if (constant !== undefined) return constant
    if (isList(values)) return values[0] ?? null
    switch (typeOf(node)) {
      case 'object':
        return buildObject(node, depth)
      case 'array':
        return [build(items, depth + 1)]
      case 'number':
      case 'integer':
        return 1
      case 'boolean':
        return true
      case 'null':
        return null
      default:
        return text
    }
  }

  function buildObject({ required, properties }: Fields, depth: number): unknown {
    const names = isList(required) ? required.map(String) : []
    const schemas = isFields(properties) ? properties : {}
    return Object.fromEntries(names.map((name) => [name, build(schemas[name], depth + 1)]))
  }

  function target(ref: unknown): unknown {
    const path = String(ref).split('/').slice(1)
    return path.reduce((node: unknown, key) => (isFields(node) ? node[key] : undefined), root) ?? {}
  }
}

function alternative({ anyOf, oneOf, allOf }: Fields): unknown {
  return [anyOf, oneOf, allOf].find(isList)?.[0]
}

function typeOf({ type, properties, items }: Fields): unknown {
  if (isList(type)) return type.find((one) => one !== 'null') ?? 'null'
  if (type !== undefined) return type
  if (properties !== undefined) return 'object'
  return items === undefined ? undefined : 'array'
}
