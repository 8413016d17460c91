import { type Member, valueOf } from '../../platform/json-scan'
import type { Usage } from '../canonical'
import { fieldsOf } from '../fields'
import { outputEstimate, sum, type TokenEstimate, tokensOfJson, tokensOfText } from '../token-estimate'
import { collectChatStream } from './collect'

/** What a message costs beside its text (OpenAI Cookbook, "How to count tokens with tiktoken"). */
const TOKENS_PER_MESSAGE = 3
/** A high-detail image of 1024 by 1024 (OpenAI, "Calculating costs"): a guess, since images are not decoded here. */
const TOKENS_PER_IMAGE = 765

/** Usage guessed from the texts, for an answer whose provider told none. */
export function estimateChatUsage(request: Uint8Array, response: Uint8Array, isStream: boolean): Usage {
  const reply = isStream ? collectChatStream(response) : parse(response)
  const output = choicesOf(reply).map((choice) => tokensOfMessage(choice.message))
  const reasoning = choicesOf(reply).map((choice) => tokensOfText(fieldsOf(choice.message).reasoning_content))
  return {
    inputTokens: inputTokensOf(parse(request)),
    cacheReadTokens: 0,
    cacheWrite5mTokens: 0,
    cacheWrite1hTokens: 0,
    outputTokens: sum(output),
    reasoningTokens: sum(reasoning),
    audioInputTokens: 0,
    audioOutputTokens: 0,
  }
}

const INPUT_FIELDS = new Set(['messages', 'tools', 'functions'])
const OUTPUT_FIELDS = new Set(['max_tokens', 'max_completion_tokens'])

/** Input by the size of its JSON, and the output that the request allows. */
export function estimateChatTokens(request: Uint8Array, members: readonly Member[]): TokenEstimate {
  const limits = members
    .filter(({ key, kind }) => OUTPUT_FIELDS.has(key) && kind === 'number')
    .map((member) => Number(valueOf(request, member)))
  const n = members.find(({ key, kind }) => key === 'n' && kind === 'number')
  const input = members.filter(({ key }) => INPUT_FIELDS.has(key))
  return {
    inputTokens: tokensOfJson(request, input),
    output: outputEstimate(
      limits.length === 0 ? undefined : Math.max(...limits),
      n === undefined ? 1 : Number(valueOf(request, n)),
    ),
  }
}

function inputTokensOf(request: unknown): number {
  const { messages, tools } = fieldsOf(request)
  const each = Array.isArray(messages)
    ? messages.map((message) => TOKENS_PER_MESSAGE + tokensOfMessage(message))
    : []
  return sum(each) + (tools === undefined ? 0 : tokensOfText(JSON.stringify(tools)))
}

function tokensOfMessage(message: unknown): number {
  const { content, tool_calls, reasoning_content, refusal } = fieldsOf(message)
  const parts: unknown[] = Array.isArray(content) ? content : []
  return (
    sum(parts.map(tokensOfPart)) +
    tokensOfText(content) +
    tokensOfText(reasoning_content) +
    tokensOfText(refusal) +
    (tool_calls === undefined || tool_calls === null ? 0 : tokensOfText(JSON.stringify(tool_calls)))
  )
}

function tokensOfPart(part: unknown): number {
  const { type, text } = fieldsOf(part)
  return type === 'image_url' ? TOKENS_PER_IMAGE : tokensOfText(text)
}

function choicesOf(reply: unknown): Record<string, unknown>[] {
  const { choices } = fieldsOf(reply)
  return Array.isArray(choices) ? choices.map(fieldsOf) : []
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return undefined
  }
}
