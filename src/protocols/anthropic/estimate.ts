import { type Member, valueOf } from '../../platform/json-scan'
import type { Usage } from '../canonical'
import { collect } from '../collect'
import type { Part } from '../parts'
import { outputEstimate, type TokenEstimate, tokensOfJson } from '../token-estimate'
import { estimateContentTokens, estimateInputTokens } from './count-tokens'
import { messagesEventDecoder } from './event-decoder'
import { parsedBody } from './raw-reply'

/** Output of a request that sets no limit: what the gateway then allows. */
export const DEFAULT_MAX_TOKENS = 4_096
const INPUT_FIELDS = new Set(['messages', 'system', 'tools'])

/** Usage guessed from the texts, for an answer whose provider told none. */
export function estimateMessagesUsage(request: Uint8Array, response: Uint8Array, isStream: boolean): Usage {
  return {
    inputTokens: estimateInputTokens(parsedBody(request)),
    cacheReadTokens: 0,
    cacheWrite5mTokens: 0,
    cacheWrite1hTokens: 0,
    outputTokens: isStream ? tokensOfStream(response) : estimateContentTokens(parsedBody(response).content),
    reasoningTokens: 0,
    audioInputTokens: 0,
    audioOutputTokens: 0,
  }
}

/** Input by the size of its JSON, and the output that the request allows. */
export function estimateMessagesTokens(request: Uint8Array, members: readonly Member[]): TokenEstimate {
  const limit = members.find(({ key, kind }) => key === 'max_tokens' && kind === 'number')
  const input = members.filter(({ key }) => INPUT_FIELDS.has(key))
  return {
    inputTokens: tokensOfJson(request, input),
    output: outputEstimate(limit === undefined ? DEFAULT_MAX_TOKENS : Number(valueOf(request, limit))),
  }
}

function tokensOfStream(bytes: Uint8Array): number {
  const decoder = messagesEventDecoder()
  const { choices } = collect([...decoder.feed(bytes), ...decoder.end()])
  return choices.flatMap(({ parts }) => parts).reduce((sum, part) => sum + tokensOfPart(part), 0)
}

function tokensOfPart(part: Part): number {
  switch (part.kind) {
    case 'text':
    case 'refusal':
    case 'reasoning':
      return estimateContentTokens(part.text)
    case 'tool_call':
      return estimateContentTokens(part.name) + estimateContentTokens(part.argumentsJson)
    case 'native':
      return estimateContentTokens([part.value])
    default:
      return 0
  }
}
