import { entryOf, fieldsOf, listOf, textOf } from '../fields'
import type { Part, ReasoningProof } from '../parts'
import { decodeAnnotation } from './citations'
import { PARAGRAPH, reasoningParts } from './decode-reasoning'

const OWN = 'openai-responses'

/** The parts of an item of `output`. Items of tools that the provider ran stay as they are. */
export function partsOfItem(value: unknown): Part[] {
  const item = fieldsOf(value)
  const type = textOf(item.type) ?? ''
  const decode = entryOf(DECODERS, type)
  if (decode !== undefined) return decode(item)
  return [{ kind: 'native', type, protocol: OWN, value }]
}

/** The proof in a reasoning item; without `encrypted_content` it proves nothing to a stateless provider. */
export function proofOfItem(item: Record<string, unknown>): ReasoningProof | undefined {
  const encrypted = textOf(item.encrypted_content)
  return encrypted === undefined ? undefined : { family: 'openai', encrypted, id: textOf(item.id) }
}

const DECODERS: Readonly<Record<string, (item: Record<string, unknown>) => Part[]>> = {
  message: ({ content }) => listOf(content).flatMap(partOfContent),
  function_call: (item) => [callOf(item, item.arguments)],
  custom_tool_call: (item) => [{ ...callOf(item, item.input), isCustom: true }],
  reasoning: (item) =>
    reasoningParts(textsOf(item.summary, PARAGRAPH), textsOf(item.content, ''), proofOfItem(item)),
  image_generation_call: imageOf,
}

function partOfContent(value: unknown): Part[] {
  const { type, text, refusal, annotations } = fieldsOf(value)
  if (type === 'refusal') return [{ kind: 'refusal', text: textOf(refusal) ?? '' }]
  if (type !== 'output_text') {
    return [{ kind: 'native', type: textOf(type) ?? '', protocol: OWN, value }]
  }
  const citations = listOf(annotations).map(decodeAnnotation)
  return [{ kind: 'text', text: textOf(text) ?? '', ...(citations.length === 0 ? {} : { citations }) }]
}

function callOf(
  { call_id, name }: Record<string, unknown>,
  input: unknown,
): Extract<Part, { kind: 'tool_call' }> {
  return {
    kind: 'tool_call',
    id: textOf(call_id) ?? '',
    name: textOf(name) ?? '',
    argumentsJson: textOf(input) ?? '',
  }
}

function imageOf(item: Record<string, unknown>): Part[] {
  const base64 = textOf(item.result)
  if (base64 === undefined) {
    return [{ kind: 'native', type: 'image_generation_call', protocol: OWN, value: item }]
  }
  const mediaType = `image/${textOf(item.output_format) ?? 'png'}`
  return [{ kind: 'image', media: { kind: 'base64', base64, mediaType } }]
}

function textsOf(parts: unknown, between: string): string {
  return listOf(parts)
    .map((part) => textOf(fieldsOf(part).text) ?? '')
    .join(between)
}
