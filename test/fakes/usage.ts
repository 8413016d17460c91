import type { Answer, AnswerOptions } from './answer'
import { answersTo } from './answer'
import { asChatRequest, type ChatRequest, textOf } from './chat-request'
import { countTokens } from './tokens'

/**
 * Token counts in OpenAI's shape: `prompt_tokens` includes the cached ones, `completion_tokens` the
 * reasoning.
 */
export interface Usage {
  prompt_tokens: number
  completion_tokens: number
  total_tokens: number
  prompt_tokens_details: {
    cached_tokens: number
    audio_tokens: number
    cache_write_tokens?: number
    /** A part of `cache_write_tokens`. */
    cache_write_1h_tokens?: number
  }
  completion_tokens_details: {
    reasoning_tokens: number
    audio_tokens: number
    accepted_prediction_tokens: number
    rejected_prediction_tokens: number
  }
}

/** Numbers that a test wants instead of the computed ones; the total follows unless it is given too. */
export interface UsageOverride extends Partial<Omit<Usage, `${string}_details`>> {
  prompt_tokens_details?: Partial<Usage['prompt_tokens_details']>
  completion_tokens_details?: Partial<Usage['completion_tokens_details']>
}

/**
 * The usage that the fake reports for this request body. `options` are those of the scripted step; without
 * them it is the usage of the unscripted answer.
 */
export function expectedUsage(
  body: unknown,
  options: AnswerOptions & { tokens?: UsageOverride } = {},
): Usage {
  const request = asChatRequest(body)
  return usageOf(request, answersTo(request, options, 0), options.tokens)
}

/** Counts a request and the answers to it, one per choice. */
export function usageOf(request: ChatRequest, answers: Answer[], override: UsageOverride = {}): Usage {
  const prompt = override.prompt_tokens ?? promptTokens(request)
  const completion = override.completion_tokens ?? sum(answers.map(completionTokens))
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: override.total_tokens ?? prompt + completion,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0, ...override.prompt_tokens_details },
    completion_tokens_details: {
      reasoning_tokens: sum(answers.map(({ reasoning }) => reasoning.length)),
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
      ...override.completion_tokens_details,
    },
  }
}

/** The same counts in parts that do not overlap, but for `reasoning`, which is part of `output`. */
export function countsOf(usage: Usage) {
  const { cached_tokens: cached, ...details } = usage.prompt_tokens_details
  const written = details.cache_write_tokens ?? 0
  return {
    fresh: usage.prompt_tokens - cached - written,
    cached,
    written,
    written1h: details.cache_write_1h_tokens ?? 0,
    output: usage.completion_tokens,
    reasoning: usage.completion_tokens_details.reasoning_tokens,
  }
}

/** OpenAI's published rule: three tokens of frame per message and three to prime the reply. */
function promptTokens(request: ChatRequest): number {
  const messages = request.messages.map(
    (message) => 3 + countTokens(message.role) + countTokens(textOf(message)),
  )
  const offered = request.tools ?? []
  const tools = offered.length === 0 ? 0 : Math.ceil(JSON.stringify(offered).length / 4)
  return sum(messages) + 3 + tools
}

function completionTokens({ content, reasoning, refusal, toolCalls }: Answer): number {
  const calls = toolCalls.map((call) => countTokens(call.name) + countTokens(call.arguments))
  return content.length + reasoning.length + refusal.length + sum(calls)
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
