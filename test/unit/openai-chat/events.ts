import type { Usage } from '../../../src/protocols/canonical'

/** Any JSON value. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** Events as a server writes them; strings are lines as they are. */
export function events(...given: (Json | string)[]): string {
  return given.map((one) => `data: ${typeof one === 'string' ? one : JSON.stringify(one)}\n\n`).join('')
}

/** A chunk with one choice. */
export function chunk(delta: Json, finish: string | null = null, more: { [key: string]: Json } = {}) {
  const choices = [{ index: 0, delta, finish_reason: finish }]
  return { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'm', choices, ...more }
}

/** A usage as providers tell it. */
export const USAGE = { prompt_tokens: 10, completion_tokens: 4, total_tokens: 14 }
/** `USAGE` in canonical form. */
export const usage: Usage = {
  inputTokens: 10,
  cacheReadTokens: 0,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
  outputTokens: 4,
  reasoningTokens: 0,
  audioInputTokens: 0,
  audioOutputTokens: 0,
}
