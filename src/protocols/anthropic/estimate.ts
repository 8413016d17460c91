import { type Member, valueOf } from '../../platform/json-scan'
import type { Usage } from '../canonical'
import { collect } from '../collect'
import type { Part } from '../parts'
import { estimateContentTokens, estimateInputTokens } from './count-tokens'
import { messagesEventDecoder } from './event-decoder'
import { parsedBody } from './raw-reply'

const BYTES_PER_TOKEN = 4
/** Output of a request that sets no limit: what the gateway then allows. */
export const DEFAULT_MAX_TOKENS = 4_096
/** JSON has numbers that are infinite here; no model writes this much. */
const MOST_TOKENS = 1_000_000_000
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

/** Input by the size of its JSON, which is never less than its text, and the output that the request allows. */
export function estimateMessagesTokens(request: Uint8Array, members: readonly Member[]): number {
  const inputBytes = members
    .filter(({ key }) => INPUT_FIELDS.has(key))
    .reduce((sum, { valueStart, valueEnd }) => sum + valueEnd - valueStart, 0)
  const limit = members.find(({ key, kind }) => key === 'max_tokens' && kind === 'number')
  const output = limit === undefined ? DEFAULT_MAX_TOKENS : Number(valueOf(request, limit))
  return Math.ceil(inputBytes / BYTES_PER_TOKEN) + Math.min(MOST_TOKENS, Math.max(0, output))
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
