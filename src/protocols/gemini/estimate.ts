import { type Member, valueOf } from '../../platform/json-scan'
import type { Usage } from '../canonical'
import { countOf, fieldsOf, isObject, jsonOf, listOf } from '../fields'
import { outputEstimate, type TokenEstimate, tokensOfJson } from '../token-estimate'
import { estimateInputTokens, tokensOfPart } from './count-tokens'
import { geminiEvents } from './events'
import { camel, camelFields } from './spelling'

/** JSON has numbers that are infinite here; no model writes this much. */
const MOST_TOKENS = 1_000_000_000
const INPUT_FIELDS = new Set(['contents', 'systemInstruction', 'tools'])

/** Usage guessed from the texts, for an answer whose provider told none. */
export function estimateGeminiUsage(request: Uint8Array, response: Uint8Array, isStream: boolean): Usage {
  const responses = isStream ? eventsIn(response) : [jsonOf(new TextDecoder().decode(response))]
  const parts = responses
    .flatMap((one) => listOf(fieldsOf(one).candidates))
    .flatMap((candidate) => listOf(fieldsOf(fieldsOf(candidate).content).parts))
    .map(fieldsOf)
  const tokens = (some: Record<string, unknown>[]) => some.reduce((sum, part) => sum + tokensOfPart(part), 0)
  return {
    inputTokens: estimateInputTokens(jsonOf(new TextDecoder().decode(request))),
    cacheReadTokens: 0,
    cacheWrite5mTokens: 0,
    cacheWrite1hTokens: 0,
    outputTokens: tokens(parts),
    reasoningTokens: tokens(parts.filter(({ thought }) => thought === true)),
    audioInputTokens: 0,
    audioOutputTokens: 0,
  }
}

/** Input by the size of its JSON, and the output that the request allows. */
export function estimateGeminiTokens(request: Uint8Array, members: readonly Member[]): TokenEstimate {
  const config = members.find(({ key }) => camel(key) === 'generationConfig')
  const given = config === undefined ? undefined : valueOf(request, config)
  const { maxOutputTokens, candidateCount } = camelFields(isObject(given) ? given : {})
  const input = members.filter(({ key }) => INPUT_FIELDS.has(camel(key)))
  return {
    inputTokens: tokensOfJson(request, input),
    output: outputEstimate(numericCount(maxOutputTokens), numericCount(candidateCount)),
  }
}

function numericCount(value: unknown): number | undefined {
  return value === Number.POSITIVE_INFINITY ? MOST_TOKENS : countOf(value)
}

function eventsIn(response: Uint8Array): unknown[] {
  const events: unknown[] = []
  const reader = geminiEvents({ event: (data) => events.push(jsonOf(data)), overrun() {} })
  reader.feed(response)
  reader.end()
  return events
}
