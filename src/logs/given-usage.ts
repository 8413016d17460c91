import { decodeUsage } from '../protocols/anthropic/usage'
import type { Usage } from '../protocols/canonical'
import { fieldsOf, isObject } from '../protocols/fields'
import { decodeChatUsage } from '../protocols/openai-chat/usage'
import { decodeResponsesUsage } from '../protocols/openai-responses/usage'
import { protocols } from '../protocols/table'
import { chatOfGiven } from './given-bodies'
import type { GivenLog } from './given-log'
import type { LogRecord } from './log-record'

/**
 * The tokens of a given log: as `usage` tells them, in the words of chat completions, of responses or of messages; then
 * as the fields beside it do; then, where texts are told, as they are estimated for any call.
 */
export function givenUsage(
  given: GivenLog,
  bodies: Record<'request' | 'response', unknown>,
): Pick<LogRecord, 'usage' | 'usageSource'> {
  const told = usageOf(given.usage ?? fieldsOf(given.full_response).usage) ?? flatUsage(given)
  if (told !== undefined) return { usage: told, usageSource: 'provider' }
  const { messages, completions, tools } = chatOfGiven(bodies)
  if (messages.length === 0 && completions.length === 0) return {}
  const request = jsonBytes({ messages, ...(tools === null ? {} : { tools }) })
  const response = jsonBytes({ choices: completions.map((message) => ({ message })) })
  const estimate = protocols['openai-chat'].estimateUsage(request, response, false)
  return estimate === undefined ? {} : { usage: estimate, usageSource: 'estimated' }
}

function usageOf(value: unknown): Usage | undefined {
  if (!isObject(value)) return undefined
  if (value.prompt_tokens !== undefined || value.completion_tokens !== undefined)
    return decodeChatUsage({
      ...value,
      cache_creation_input_tokens: value.cache_creation_prompt_tokens ?? value.cache_creation_input_tokens,
    })
  // Responses count what a cache served inside the input and messages beside it; only these name a cache on top.
  const isBeside =
    value.cache_read_input_tokens !== undefined || value.cache_creation_input_tokens !== undefined
  return isBeside ? decodeUsage(value) : decodeResponsesUsage(value)
}

function flatUsage(given: GivenLog): Usage | undefined {
  const { prompt_tokens, completion_tokens } = given
  if (prompt_tokens === undefined && completion_tokens === undefined) return undefined
  return decodeChatUsage({
    prompt_tokens,
    completion_tokens,
    prompt_cache_hit_tokens: given.prompt_cache_hit_tokens ?? undefined,
    cache_creation_input_tokens: given.prompt_cache_creation_tokens ?? undefined,
  })
}

function jsonBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value))
}
