import type { Usage } from '../canonical'
import { countOf, fieldsOf, listOf } from '../fields'

/**
 * `usage` of Converse in canonical form, or undefined when it holds no counts. `inputTokens` is what no cache read or
 * wrote (Bedrock user guide, "Prompt caching"), unless the provider's own total counts the caches as part of it.
 * Reasoning is not told apart from the output.
 */
export function decodeConverseUsage(value: unknown): Usage | undefined {
  const usage = fieldsOf(value)
  const input = countOf(usage.inputTokens)
  const output = countOf(usage.outputTokens)
  if (input === undefined && output === undefined) return undefined
  const read = countOf(usage.cacheReadInputTokens) ?? 0
  const write = countOf(usage.cacheWriteInputTokens) ?? 0
  const write1h = Math.min(write, writtenForOneHour(usage.cacheDetails))
  const outputTokens = output ?? 0
  return {
    inputTokens: uncached(input ?? 0, read + write, countOf(usage.totalTokens), outputTokens),
    cacheReadTokens: read,
    cacheWrite5mTokens: write - write1h,
    cacheWrite1hTokens: write1h,
    outputTokens,
    reasoningTokens: 0,
    audioInputTokens: 0,
    audioOutputTokens: 0,
  }
}

function uncached(input: number, cached: number, total: number | undefined, output: number): number {
  const isInside = cached > 0 && cached <= input && total === input + output
  return isInside ? input - cached : input
}

function writtenForOneHour(details: unknown): number {
  return listOf(details)
    .map(fieldsOf)
    .filter(({ ttl }) => ttl === '1h')
    .reduce((sum, { inputTokens }) => sum + (countOf(inputTokens) ?? 0), 0)
}
