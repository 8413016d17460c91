import { fieldsOf, isObject, listOf } from '../fields'
import { tokensOfText } from '../token-estimate'

/** What a message costs beside its content: a guess, as for other models. */
const TOKENS_PER_MESSAGE = 3
/** An image of about 1.15 megapixels (Claude docs, "Vision"): a guess, since images are not decoded here. */
const TOKENS_PER_IMAGE = 1_600
/** A page of a PDF has 1500 to 3000 tokens (Claude docs, "PDF support"); how many pages there are is not looked at. */
const TOKENS_PER_PDF = 2_250
const MAX_DEPTH = 8

/** The input tokens that a Messages request would have, for upstreams that do not count them. */
export function estimateInputTokens(body: unknown): number {
  const { system, messages, tools } = fieldsOf(body)
  const inMessages = listOf(messages).map((message) => {
    return TOKENS_PER_MESSAGE + estimateContentTokens(fieldsOf(message).content)
  })
  const inTools = listOf(tools).length === 0 ? 0 : tokensOfText(JSON.stringify(tools))
  return inMessages.reduce((sum, one) => sum + one, estimateContentTokens(system) + inTools)
}

/** The tokens of a text or of content blocks, of a request or of an answer. */
export function estimateContentTokens(content: unknown, depth = 0): number {
  if (typeof content === 'string') return tokensOfText(content)
  if (depth > MAX_DEPTH) return 0
  return listOf(content).reduce<number>((sum, block) => sum + tokensOfBlock(fieldsOf(block), depth), 0)
}

function tokensOfBlock(block: Record<string, unknown>, depth: number): number {
  const { type, source, content, input } = block
  if (type === 'image') return TOKENS_PER_IMAGE
  if (type === 'document') return tokensOfDocument(fieldsOf(source), depth)
  const texts = [block.text, block.thinking, block.name].map(tokensOfText)
  const inInput = isObject(input) ? tokensOfText(JSON.stringify(input)) : 0
  return texts.reduce((sum, one) => sum + one, inInput) + estimateContentTokens(content, depth + 1)
}

function tokensOfDocument(source: Record<string, unknown>, depth: number): number {
  if (source.type === 'text') return tokensOfText(source.data)
  return source.type === 'content' ? estimateContentTokens(source.content, depth + 1) : TOKENS_PER_PDF
}
