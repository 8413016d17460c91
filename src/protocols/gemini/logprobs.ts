import { fieldsOf, listOf, numberOf, textOf } from '../fields'

/** `logprobsResult` of a candidate in the shape of chat completions; undefined when there is none. */
export function decodeLogprobs(value: unknown): { content: unknown[] } | undefined {
  const { chosenCandidates, topCandidates } = fieldsOf(value)
  const chosen = listOf(chosenCandidates)
  if (chosen.length === 0) return undefined
  const tops = listOf(topCandidates).map((top) => listOf(fieldsOf(top).candidates))
  return {
    content: chosen.map((token, index) => ({
      ...decodeToken(token),
      top_logprobs: (tops[index] ?? []).map(decodeToken),
    })),
  }
}

/** The same in Google's words, with their mean. */
export function encodeLogprobs(value: unknown): { logprobsResult?: unknown; avgLogprobs?: number } {
  const content = listOf(fieldsOf(value).content).map(fieldsOf)
  if (content.length === 0) return {}
  const sum = content.reduce((total, { logprob }) => total + (numberOf(logprob) ?? 0), 0)
  return {
    avgLogprobs: sum / content.length,
    logprobsResult: {
      topCandidates: content.map((token) => ({ candidates: listOf(token.top_logprobs).map(encodeToken) })),
      chosenCandidates: content.map(encodeToken),
    },
  }
}

function decodeToken(value: unknown) {
  const { token, logProbability } = fieldsOf(value)
  return { token: textOf(token) ?? '', logprob: numberOf(logProbability) ?? 0, bytes: null }
}

function encodeToken(value: unknown) {
  const { token, logprob } = fieldsOf(value)
  return { token: textOf(token) ?? '', logProbability: numberOf(logprob) ?? 0 }
}
