import { fieldsOf, isObject, listOf, textOf } from '../fields'
import type { Citation, Part, ReasoningProof } from '../parts'
import { decodeAnnotations } from './annotations'
import { thinkingOf } from './decode-content'
import { decodeImages } from './media'
import { decodeDetails, decodeThoughtSignature } from './reasoning-details'
import { untold } from './sources'

type ReasoningPart = Extract<Part, { kind: 'reasoning' }>
type Fields = Readonly<Record<string, unknown>>

/** The fields of an assistant's message that are read here, in requests as in replies. */
export const ASSISTANT_FIELDS = [
  ...([
    'role',
    'content',
    'refusal',
    'audio',
    'tool_calls',
    'function_call',
    'annotations',
    'images',
  ] as const),
  ...(['reasoning_content', 'reasoning', 'reasoning_details', 'thinking_blocks', 'extra_content'] as const),
] as const

/**
 * The parts of an assistant's message around its content. The richest of the fields that tell the reasoning is read,
 * since gateways tell it in several of them at once.
 * @param given.at where the message stands in a request; undefined in a reply
 * @param given.sources of the whole answer
 */
export function assistantParts(
  message: Fields,
  given: {
    content: readonly Part[]
    calls: readonly Part[]
    at?: string | undefined
    sources?: readonly Citation[]
  },
): Part[] {
  const { content, calls, at, sources = [] } = given
  const refusal = textOf(message.refusal)
  return withCallProofs([
    ...reasoningOf(message, at),
    ...withText(content, message, { at, sources }),
    ...(refusal === undefined ? [] : [{ kind: 'refusal', text: refusal, ...placed(at, 'refusal') } as const]),
    ...decodeImages(message.images).map((image, index) => ({ ...image, ...placed(at, `images[${index}]`) })),
    ...audioOf(message.audio, at),
    ...calls,
  ])
}

/** One entry of `tool_calls`; `id` when the entry has none. */
export function decodeCall(
  value: unknown,
  { id, at }: { id: string; at?: string | undefined },
): Extract<Part, { kind: 'tool_call' }> {
  const call = fieldsOf(value)
  const isCustom = isObject(call.custom)
  const { name, arguments: json, input } = fieldsOf(isCustom ? call.custom : call.function)
  const proof = decodeThoughtSignature(call.extra_content)
  return {
    kind: 'tool_call',
    id: textOf(call.id) ?? id,
    name: textOf(name) ?? '',
    argumentsJson: argumentsOf(isCustom ? input : json),
    ...(isCustom ? { isCustom } : {}),
    ...(proof === undefined ? {} : { proof }),
    ...(at === undefined ? {} : { at }),
  }
}

/** Arguments as JSON text; a few servers send the object itself. */
export function argumentsOf(value: unknown): string {
  if (typeof value === 'string') return value
  return value === undefined || value === null ? '' : JSON.stringify(value)
}

function reasoningOf(message: Fields, at: string | undefined): ReasoningPart[] {
  const details = decodeDetails(
    message.reasoning_details,
    at === undefined ? undefined : `${at}.reasoning_details`,
  )
  const field = typeof message.reasoning_content === 'string' ? 'reasoning_content' : 'reasoning'
  const text = textOf(message[field])
  const plain = text === undefined ? [] : [{ kind: 'reasoning', text, ...placed(at, field) } as const]
  const isTold = details.some((detail) => detail.text !== '' || detail.proof?.signature !== undefined)
  if (isTold) return details
  if (details.length > 0) return [...plain, ...details]
  const blocks = listOf(message.thinking_blocks).flatMap((block, index) =>
    thinkingBlock(fieldsOf(block), placed(at, `thinking_blocks[${index}]`)),
  )
  return blocks.length > 0 ? blocks : plain
}

function thinkingBlock(block: Fields, place: { at?: string }): ReasoningPart[] {
  const signature = textOf(block.signature)
  const encrypted = textOf(block.data)
  const proof: ReasoningProof | undefined =
    signature === undefined && encrypted === undefined
      ? undefined
      : { family: 'anthropic', ...(encrypted === undefined ? { signature } : { encrypted }) }
  const text = thinkingOf(block.thinking)
  return text === '' && proof === undefined ? [] : [{ kind: 'reasoning', text, proof, ...place }]
}

// A message has one text, so what belongs to it stands beside it.
function withText(
  content: readonly Part[],
  message: Fields,
  { at, sources }: { at: string | undefined; sources: readonly Citation[] },
): Part[] {
  const annotated = decodeAnnotations(message.annotations)
  const hasText = content.some(({ kind }) => kind === 'text')
  const citations = [...annotated, ...(hasText ? untold(sources, annotated) : [])]
  const proof = decodeThoughtSignature(message.extra_content)
  if (citations.length === 0 && proof === undefined) return [...content]
  const last = content.findLastIndex(({ kind }) => kind === 'text')
  const more = {
    ...(citations.length === 0 ? {} : { citations }),
    ...(proof === undefined ? {} : { proof }),
  }
  if (last === -1) return [...content, { kind: 'text', text: '', ...more, ...placed(at, 'content') }]
  return content.map((part, index) => (index === last && part.kind === 'text' ? { ...part, ...more } : part))
}

function audioOf(value: unknown, at: string | undefined): Part[] {
  const { id, data, transcript } = fieldsOf(value)
  const [known, base64] = [textOf(id), textOf(data)]
  if (known === undefined && base64 === undefined) return []
  const media =
    base64 === undefined
      ? ({ kind: 'file_id', id: known ?? '', protocol: 'openai-chat' } as const)
      : ({ kind: 'base64', base64, mediaType: 'audio/wav' } as const)
  return [{ kind: 'audio', media, transcript: textOf(transcript), id: known, ...placed(at, 'audio') }]
}

// Some gateways tell the signature of a call of Gemini's as an encrypted reasoning with the id of the call.
function withCallProofs(parts: readonly Part[]): Part[] {
  const ids = new Set(parts.map((part) => (part.kind === 'tool_call' ? part.id : undefined)))
  const ofCalls = new Map<string, ReasoningProof>()
  const rest = parts.filter((part) => {
    if (part.kind !== 'reasoning' || part.proof?.family !== 'gemini') return true
    const { id, encrypted } = part.proof
    if (id === undefined || encrypted === undefined || !ids.has(id)) return true
    ofCalls.set(id, { family: 'gemini', signature: encrypted })
    return false
  })
  return rest.map((part) =>
    part.kind === 'tool_call' && part.proof === undefined && ofCalls.has(part.id)
      ? { ...part, proof: ofCalls.get(part.id) }
      : part,
  )
}

function placed(at: string | undefined, field: string): { at?: string } {
  return at === undefined ? {} : { at: `${at}.${field}` }
}
