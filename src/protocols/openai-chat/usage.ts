import type { Usage } from '../canonical'
import { fieldsOf } from '../fields'

/**
 * `usage` of a chat completion in canonical form, or undefined when it holds no counts. `prompt_tokens` includes what
 * a cache served (OpenAI API reference, "usage"); compatible providers name the cached part in several ways.
 */
export function decodeChatUsage(value: unknown): Usage | undefined {
  const usage = fieldsOf(value)
  const prompt = count(usage.prompt_tokens)
  const completion = count(usage.completion_tokens)
  if (prompt === undefined && completion === undefined) return undefined
  const promptDetails = fieldsOf(usage.prompt_tokens_details)
  const completionDetails = fieldsOf(usage.completion_tokens_details)
  const cacheRead = firstCount(
    promptDetails.cached_tokens,
    usage.prompt_cache_hit_tokens,
    usage.cache_read_input_tokens,
    usage.cached_tokens,
  )
  const write1h = firstCount(fieldsOf(usage.cache_creation).ephemeral_1h_input_tokens)
  const write = firstCount(
    promptDetails.cache_creation_tokens,
    promptDetails.cache_write_tokens,
    usage.cache_creation_input_tokens,
  )
  const reasoning = firstCount(completionDetails.reasoning_tokens, usage.reasoning_tokens)
  const input = inputParts({ prompt: prompt ?? 0, cacheRead, write, write1h })
  return {
    ...input,
    ...outputParts({
      input: sum(input),
      completion: completion ?? 0,
      reasoning,
      total: count(usage.total_tokens),
    }),
    audioInputTokens: firstCount(promptDetails.audio_tokens),
    audioOutputTokens: firstCount(completionDetails.audio_tokens),
  }
}

/** The `usage` of a chunk or reply, wherever compatible providers put it: on top, in a choice, or one object deeper. */
export function findChatUsage(chunk: unknown): Usage | undefined {
  const fields = fieldsOf(chunk)
  const own = decodeChatUsage(fields.usage)
  if (own !== undefined) return own
  const choices: unknown[] = Array.isArray(fields.choices) ? fields.choices : []
  for (const holder of [...choices, ...Object.values(fields)]) {
    const usage = decodeChatUsage(fieldsOf(holder).usage)
    if (usage !== undefined) return usage
  }
  return undefined
}

// A cached part larger than the prompt means that the provider counts it beside the prompt, not inside it.
function inputParts(given: { prompt: number; cacheRead: number; write: number; write1h: number }) {
  const { prompt, cacheRead, write, write1h } = given
  const isInside = cacheRead + write <= prompt
  return {
    inputTokens: isInside ? prompt - cacheRead - write : prompt,
    cacheReadTokens: cacheRead,
    cacheWrite5mTokens: Math.max(0, write - write1h),
    cacheWrite1hTokens: Math.min(write, write1h),
  }
}

/**
 * Reasoning is part of the completion, unless the provider's own total says otherwise: it is then told beside the
 * completion, or shows in the total only.
 */
function outputParts(given: {
  input: number
  completion: number
  reasoning: number
  total: number | undefined
}) {
  const { input, completion, reasoning, total = 0 } = given
  const beside = total - input - completion
  if (beside > 0 && (reasoning === 0 || reasoning === beside)) {
    return { outputTokens: completion + beside, reasoningTokens: beside }
  }
  return { outputTokens: completion, reasoningTokens: reasoning }
}

function sum(parts: Record<string, number>): number {
  return Object.values(parts).reduce((total, part) => total + part, 0)
}

function firstCount(...values: unknown[]): number {
  for (const value of values) {
    const known = count(value)
    if (known !== undefined && known > 0) return known
  }
  return 0
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined
}
