import { type Member, valueOf } from '../../platform/json-scan'
import type { ChatReply } from '../answer'
import type { Usage } from '../canonical'
import { collect } from '../collect'
import { fieldsOf, jsonOf, listOf } from '../fields'
import type { Part } from '../parts'
import { outputEstimate, sum, type TokenEstimate, tokensOfJson, tokensOfText } from '../token-estimate'
import { decodeResponse } from './decode-reply'
import { responsesEventDecoder } from './event-decoder'

/** What an item costs beside its text (OpenAI Cookbook, "How to count tokens with tiktoken"). */
const TOKENS_PER_ITEM = 3
/** A high-detail image of 1024 by 1024 (OpenAI, "Calculating costs"): a guess, since images are not decoded here. */
const TOKENS_PER_IMAGE = 765
const INPUT_FIELDS = new Set(['input', 'instructions', 'tools'])
/** Bytes of files, which say nothing of the tokens. */
const BINARY_FIELDS = new Set(['image_url', 'file_data', 'data'])
const decoder = new TextDecoder()

/** Usage guessed from the texts, for an answer whose provider told none. */
export function estimateResponsesUsage(request: Uint8Array, response: Uint8Array, isStream: boolean): Usage {
  const [choice] = replyOf(response, isStream)?.choices ?? []
  const parts = choice?.parts ?? []
  return {
    inputTokens: inputTokensOf(fieldsOf(jsonOf(decoder.decode(request)))),
    cacheReadTokens: 0,
    cacheWrite5mTokens: 0,
    cacheWrite1hTokens: 0,
    outputTokens: sum(parts.map(tokensOfPart)),
    reasoningTokens: sum(parts.map((part) => (part.kind === 'reasoning' ? tokensOfPart(part) : 0))),
    audioInputTokens: 0,
    audioOutputTokens: 0,
  }
}

/** Input by the size of its JSON, and the output that the request allows. */
export function estimateResponsesTokens(request: Uint8Array, members: readonly Member[]): TokenEstimate {
  const limit = members.find(({ key, kind }) => key === 'max_output_tokens' && kind === 'number')
  const input = members.filter(({ key }) => INPUT_FIELDS.has(key))
  return {
    inputTokens: tokensOfJson(request, input),
    output: outputEstimate(limit === undefined ? undefined : Number(valueOf(request, limit))),
  }
}

function replyOf(response: Uint8Array, isStream: boolean): ChatReply | undefined {
  if (!isStream) {
    const body = fieldsOf(jsonOf(decoder.decode(response)))
    return Array.isArray(body.output) && body.status !== 'failed' ? decodeResponse(body) : undefined
  }
  const events = responsesEventDecoder()
  return collect([...events.feed(response), ...events.end()])
}

function inputTokensOf({ input, instructions, tools }: Record<string, unknown>): number {
  const items = typeof input === 'string' ? [input] : listOf(input)
  const each = items.map((item) => TOKENS_PER_ITEM + tokensOfValue(item))
  return (
    sum(each) + tokensOfValue(instructions) + (tools === undefined ? 0 : tokensOfText(JSON.stringify(tools)))
  )
}

/** All texts in an item, whatever kind it is of. */
function tokensOfValue(value: unknown): number {
  if (typeof value === 'string') return tokensOfText(value)
  if (Array.isArray(value)) return sum(value.map(tokensOfValue))
  const fields = fieldsOf(value)
  const own = fields.type === 'input_image' ? TOKENS_PER_IMAGE : 0
  const texts = Object.entries(fields).filter(([name]) => !BINARY_FIELDS.has(name) && !NAMING.has(name))
  return own + sum(texts.map(([, inner]) => tokensOfValue(inner)))
}

/** Fields that the model does not read as text. */
const NAMING = new Set(['type', 'role', 'id', 'call_id', 'status', 'detail', 'encrypted_content', 'file_id'])

function tokensOfPart(part: Part): number {
  switch (part.kind) {
    case 'text':
    case 'refusal':
    case 'reasoning':
      return tokensOfText(part.text)
    case 'tool_call':
      return tokensOfText(part.name) + tokensOfText(part.argumentsJson)
    default:
      return 0
  }
}
