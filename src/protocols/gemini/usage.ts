import type { Usage } from '../canonical'
import { countOf, fieldsOf, listOf } from '../fields'
import { camelFields } from './spelling'

/**
 * `usageMetadata` in canonical form, undefined when it holds no counts. The prompt's count includes what a cache
 * served; the candidates' count leaves out the thoughts (Gemini API reference, "UsageMetadata").
 */
export function decodeGeminiUsage(value: unknown): Usage | undefined {
  const fields = camelFields(value)
  const given = [fields.promptTokenCount, fields.candidatesTokenCount, fields.totalTokenCount]
  if (given.every((count) => countOf(count) === undefined)) return undefined
  const prompt = countOf(fields.promptTokenCount) ?? 0
  const candidates = countOf(fields.candidatesTokenCount) ?? 0
  const thoughts = countOf(fields.thoughtsTokenCount) ?? 0
  const cached = Math.min(prompt, countOf(fields.cachedContentTokenCount) ?? 0)
  const toolUse = countOf(fields.toolUsePromptTokenCount) ?? 0
  const beside = besideTotal({
    prompt,
    candidates,
    thoughts,
    toolUse,
    total: countOf(fields.totalTokenCount),
  })
  return {
    inputTokens: prompt - cached + beside.toolUse,
    cacheReadTokens: cached,
    cacheWrite5mTokens: 0,
    cacheWrite1hTokens: 0,
    outputTokens: candidates + beside.thoughts + beside.untold,
    reasoningTokens: thoughts,
    audioInputTokens: audioIn(fields.promptTokensDetails),
    audioOutputTokens: audioIn(fields.candidatesTokensDetails),
  }
}

/** A usage as `usageMetadata`; writes into a cache are part of the prompt here. */
export function encodeGeminiUsage(usage: Usage): Record<string, unknown> {
  const { inputTokens, cacheReadTokens, outputTokens, reasoningTokens } = usage
  const prompt = inputTokens + cacheReadTokens + usage.cacheWrite5mTokens + usage.cacheWrite1hTokens
  return {
    promptTokenCount: prompt,
    candidatesTokenCount: Math.max(0, outputTokens - reasoningTokens),
    ...(cacheReadTokens === 0 ? {} : { cachedContentTokenCount: cacheReadTokens }),
    ...(reasoningTokens === 0 ? {} : { thoughtsTokenCount: reasoningTokens }),
    totalTokenCount: prompt + outputTokens,
    ...detailsOf('promptTokensDetails', prompt, usage.audioInputTokens),
    ...detailsOf('candidatesTokensDetails', outputTokens - reasoningTokens, usage.audioOutputTokens),
  }
}

// The provider's own total decides: some hosts count the thoughts among the candidates, or the results of tools in
// the prompt, and what only the total knows is output that was not told yet.
function besideTotal(counts: {
  prompt: number
  candidates: number
  thoughts: number
  toolUse: number
  total: number | undefined
}): { thoughts: number; toolUse: number; untold: number } {
  const { prompt, candidates, thoughts, toolUse, total } = counts
  const sum = prompt + candidates + thoughts + toolUse
  const over = total === undefined ? 0 : sum - total
  if (over < 0) return { thoughts, toolUse, untold: -over }
  if (over === 0) return { thoughts, toolUse, untold: 0 }
  if (over === thoughts) return { thoughts: 0, toolUse, untold: 0 }
  return over === toolUse ? { thoughts, toolUse: 0, untold: 0 } : { thoughts, toolUse, untold: 0 }
}

function audioIn(details: unknown): number {
  return listOf(details)
    .map(camelFields)
    .filter(({ modality }) => modality === 'AUDIO')
    .reduce((sum, detail) => sum + (countOf(fieldsOf(detail).tokenCount) ?? 0), 0)
}

function detailsOf(name: string, total: number, audio: number): Record<string, unknown> {
  if (audio === 0) return {}
  const text = { modality: 'TEXT', tokenCount: Math.max(0, total - audio) }
  return { [name]: [text, { modality: 'AUDIO', tokenCount: audio }] }
}
