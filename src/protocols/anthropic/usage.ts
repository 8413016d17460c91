import type { Usage } from '../canonical'
import { countOf, fieldsOf } from '../fields'

/**
 * `usage` in canonical form, undefined when it holds no counts. `input_tokens` leaves out what a cache served or took
 * (Messages API reference, "usage"); a write whose life is not told lives five minutes, which is the default.
 */
export function decodeUsage(value: unknown): Usage | undefined {
  const usage = fieldsOf(value)
  const input = countOf(usage.input_tokens)
  const output = countOf(usage.output_tokens)
  if (input === undefined && output === undefined) return undefined
  const writes = fieldsOf(usage.cache_creation)
  const told5m = countOf(writes.ephemeral_5m_input_tokens) ?? 0
  const told1h = countOf(writes.ephemeral_1h_input_tokens) ?? 0
  const written = countOf(usage.cache_creation_input_tokens) ?? told5m + told1h
  const write1h = Math.min(written, told1h)
  const outputTokens = output ?? 0
  return {
    inputTokens: input ?? 0,
    cacheReadTokens: countOf(usage.cache_read_input_tokens) ?? 0,
    cacheWrite5mTokens: written - write1h,
    cacheWrite1hTokens: write1h,
    outputTokens,
    reasoningTokens: Math.min(
      outputTokens,
      countOf(fieldsOf(usage.output_tokens_details).thinking_tokens) ?? 0,
    ),
    audioInputTokens: 0,
    audioOutputTokens: 0,
  }
}

/**
 * The counts of an event over those of the events before it. They are totals of the whole message, so they never
 * shrink: a null, or the zero that some hosts send for what they told before, says nothing.
 */
export function mergeUsage(before: Record<string, unknown>, event: unknown): Record<string, unknown> {
  const told = Object.entries(fieldsOf(event)).filter(
    ([field, value]) => value !== null && !(value === 0 && before[field] !== undefined),
  )
  return { ...before, ...Object.fromEntries(told) }
}

/** A usage in the words of the protocol, with all of its counts. */
export function encodeUsage(usage: Usage | undefined, serviceTier?: string): Record<string, unknown> {
  const write5m = usage?.cacheWrite5mTokens ?? 0
  const write1h = usage?.cacheWrite1hTokens ?? 0
  const reasoning = usage?.reasoningTokens ?? 0
  return {
    input_tokens: usage?.inputTokens ?? 0,
    cache_creation_input_tokens: write5m + write1h,
    cache_read_input_tokens: usage?.cacheReadTokens ?? 0,
    cache_creation: { ephemeral_5m_input_tokens: write5m, ephemeral_1h_input_tokens: write1h },
    output_tokens: usage?.outputTokens ?? 0,
    ...(reasoning === 0 ? {} : { output_tokens_details: { thinking_tokens: reasoning } }),
    service_tier: serviceTier !== undefined && TIERS.has(serviceTier) ? serviceTier : 'standard',
  }
}

/** Tiers that an answer can be of; any other protocol's word means the usual one. */
const TIERS: ReadonlySet<string> = new Set(['standard', 'priority', 'batch'])
