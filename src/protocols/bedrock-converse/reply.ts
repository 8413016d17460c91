import type { ChatReply } from '../answer'
import { madeCallId } from '../call-ids'
import { fieldsOf, isObject, listOf, textOf } from '../fields'
import type { Citation, Part, ReasoningProof } from '../parts'
import { finishOf } from './finish'
import { imageTypeOf } from './media'
import { decodeConverseUsage } from './usage'

/** A whole answer of Converse, which tells neither an id nor the model; throws the reason when it is none. */
export function decodeConverseReply(body: unknown): ChatReply {
  const fields = fieldsOf(body)
  const { content } = fieldsOf(fieldsOf(fields.output).message)
  if (!Array.isArray(content)) throw new Error("it has no 'output.message.content'")
  let calls = 0
  const parts = content.map(fieldsOf).flatMap((block) => partsOf(block, () => madeCallId(calls++)))
  const { reason: finish, stopSequence } = finishOf(fields)
  return {
    choices: [{ index: 0, parts, finish, stopSequence }],
    usage: decodeConverseUsage(fields.usage),
    serviceTier: textOf(fieldsOf(fields.serviceTier).type),
  }
}

/** A signature is by Claude's family, whoever hosts it; undefined for none. */
export function signatureProof(signature: unknown): ReasoningProof | undefined {
  const text = textOf(signature)
  return text === undefined ? undefined : { family: 'anthropic', signature: text }
}

/** Where a statement comes from; `native` keeps a place in a document, which no other protocol counts alike. */
export function citationOf(value: unknown): Citation {
  const { title, source, sourceContent, location } = fieldsOf(value)
  const cited = listOf(sourceContent).map((content) => textOf(fieldsOf(content).text) ?? '')
  return {
    url: textOf(fieldsOf(fieldsOf(location).web).url),
    title: textOf(title) ?? textOf(source),
    citedText: textOf(cited.join('')),
    native: { protocol: 'bedrock-converse', value },
  }
}

/** What only Converse knows, such as the result of a tool that the provider ran itself. */
export function nativePart(block: Record<string, unknown>): Part {
  const [type = 'unknown'] = Object.keys(block)
  return { kind: 'native', type, protocol: 'bedrock-converse', value: block }
}

/** A picture in an answer; undefined when its bytes are elsewhere or not told. */
export function imagePart(image: unknown): Part | undefined {
  const { format, source } = fieldsOf(image)
  const base64 = textOf(fieldsOf(source).bytes)
  if (base64 === undefined) return undefined
  return { kind: 'image', media: { kind: 'base64', base64, mediaType: imageTypeOf(format) } }
}

function partsOf(block: Record<string, unknown>, newId: () => string): Part[] {
  if (typeof block.text === 'string') return block.text === '' ? [] : [{ kind: 'text', text: block.text }]
  if (isObject(block.toolUse)) return [callPart(block.toolUse, block, newId)]
  if (isObject(block.reasoningContent)) return [reasoningPart(block.reasoningContent)]
  if (isObject(block.citationsContent)) return [citedText(block.citationsContent)]
  const image = imagePart(block.image)
  if (image !== undefined) return [image]
  return Object.keys(block).length === 0 ? [] : [nativePart(block)]
}

function callPart(call: Record<string, unknown>, block: Record<string, unknown>, newId: () => string): Part {
  const { toolUseId, name, input, type } = call
  if (type === 'server_tool_use') return nativePart(block)
  return {
    kind: 'tool_call',
    id: textOf(toolUseId) ?? newId(),
    name: textOf(name) ?? '',
    argumentsJson: JSON.stringify(input ?? {}),
  }
}

function reasoningPart(content: Record<string, unknown>): Part {
  const { text, signature } = fieldsOf(content.reasoningText)
  const encrypted = textOf(content.redactedContent)
  const proof: ReasoningProof | undefined =
    encrypted === undefined ? signatureProof(signature) : { family: 'anthropic', encrypted }
  return { kind: 'reasoning', text: textOf(text) ?? '', proof }
}

function citedText({ content, citations }: Record<string, unknown>): Part {
  const text = listOf(content).map((piece) => textOf(fieldsOf(piece).text) ?? '')
  return { kind: 'text', text: text.join(''), citations: listOf(citations).map(citationOf) }
}
