import { isObject, listOf } from '../fields'
import { sum, tokensOfText } from '../token-estimate'
import { camelFields } from './spelling'

/** An image up to 384 pixels, a tile of a larger one, and a page of a document cost this (the same page). */
const TOKENS_PER_MEDIUM = 258
const TOKENS_PER_TURN = 3

/** What a generateContent or countTokens request is likely to count, for models that no provider counts for. */
export function estimateInputTokens(body: unknown): number {
  const { generateContentRequest, ...own } = camelFields(body)
  const fields = isObject(generateContentRequest) ? camelFields(generateContentRequest) : own
  const turns = [...turnsOf(fields.systemInstruction), ...turnsOf(fields.contents)]
  const tools = fields.tools === undefined ? 0 : tokensOfText(JSON.stringify(fields.tools))
  return tools + sum(turns.map((turn) => TOKENS_PER_TURN + tokensOfContent(turn)))
}

/** The tokens of a content's parts. */
export function tokensOfContent(content: unknown): number {
  const { parts } = camelFields(content)
  return sum((isObject(parts) ? [parts] : listOf(parts)).map(tokensOfPart))
}

/** The tokens of one part. */
export function tokensOfPart(part: unknown): number {
  const { text, inlineData, fileData, ...others } = camelFields(part)
  if (typeof text === 'string') return tokensOfText(text)
  if (inlineData !== undefined || fileData !== undefined) return TOKENS_PER_MEDIUM
  const { thoughtSignature: _, thought: __, ...told } = others
  return Object.keys(told).length === 0 ? 0 : tokensOfText(JSON.stringify(told))
}

function turnsOf(value: unknown): unknown[] {
  return isObject(value) ? [value] : listOf(value)
}
