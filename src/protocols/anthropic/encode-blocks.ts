import { inputOfCall } from '../call-input'
import { isObject } from '../fields'
import type { Part } from '../parts'
import type { WireProtocolId } from '../protocol'
import { untranslatable } from '../untranslatable'
import { ownCitations } from './citations'
import { encodeDocumentSource, encodeImageSource, isImageFile } from './media'
import { type Block, encodeCommon } from './own-fields'
import { legalToolId } from './tool-ids'

/**
 * The parts of a message as blocks. Texts without a letter are left out, since the provider refuses them; reasoning
 * that it cannot know as its own is a loss. The proofs of other providers for texts and calls mean nothing here.
 * @param client whose words errors use
 */
export function encodeParts(parts: readonly Part[], losses: string[], client: WireProtocolId): Block[] {
  return parts.flatMap((part) => {
    const block = encodePart(part, losses, client)
    return block === undefined ? [] : [block]
  })
}

function encodePart(part: Part, losses: string[], client: WireProtocolId): Block | undefined {
  const at = part.at ?? ''
  switch (part.kind) {
    case 'text':
    case 'refusal':
      return encodeText(part, losses)
    case 'image':
      if (part.detail !== undefined && part.detail !== 'auto') losses.push(`${at}.detail`)
      return { type: 'image', source: encodeImageSource(part), ...encodeCommon(part, losses) }
    case 'file':
      return encodeFile(part, losses)
    case 'tool_call':
      return encodeCall(part, losses, client)
    case 'tool_result':
      return encodeResult(part, losses, client)
    case 'reasoning':
      return encodeReasoning(part, losses)
    case 'native':
      if (part.protocol === 'anthropic' && isObject(part.value)) return part.value
      losses.push(at)
      return undefined
    case 'audio':
    case 'video':
      throw untranslatable(at, `${at}: The target takes no ${part.kind}.`)
  }
}

function encodeText(part: Extract<Part, { kind: 'text' | 'refusal' }>, losses: string[]): Block | undefined {
  if (part.text.trim() === '') return undefined
  const citations = part.kind === 'text' ? ownCitations(part.citations) : []
  return {
    type: 'text',
    text: part.text,
    ...(citations.length === 0 ? {} : { citations }),
    ...encodeCommon(part, losses),
  }
}

function encodeFile(part: Extract<Part, { kind: 'file' }>, losses: string[]): Block {
  if (part.native?.protocol === 'anthropic') return { ...part.native.value }
  if (isImageFile(part)) {
    return {
      type: 'image',
      source: encodeImageSource({ ...part, kind: 'image' }),
      ...encodeCommon(part, losses),
    }
  }
  const { name, context, isCited } = part
  return {
    type: 'document',
    source: encodeDocumentSource(part),
    ...(name === undefined ? {} : { title: name }),
    ...(context === undefined ? {} : { context }),
    ...(isCited === undefined ? {} : { citations: { enabled: isCited } }),
    ...encodeCommon(part, losses),
  }
}

function encodeCall(
  part: Extract<Part, { kind: 'tool_call' }>,
  losses: string[],
  client: WireProtocolId,
): Block {
  const { id, name } = part
  return {
    type: 'tool_use',
    id: legalToolId(id),
    name,
    input: inputOfCall(part, client),
    ...encodeCommon(part, losses),
  }
}

function encodeResult(
  part: Extract<Part, { kind: 'tool_result' }>,
  losses: string[],
  client: WireProtocolId,
): Block {
  const content = encodeParts(part.parts, losses, client)
  const [first] = content
  // One text with nothing beside it is told as a text.
  const isPlain = content.length === 1 && first?.type === 'text' && Object.keys(first).length === 2
  return {
    type: 'tool_result',
    tool_use_id: legalToolId(part.callId),
    ...(content.length === 0 ? {} : { content: isPlain ? first.text : content }),
    ...(part.isError === undefined ? {} : { is_error: part.isError }),
    ...encodeCommon(part, losses),
  }
}

function encodeReasoning(part: Extract<Part, { kind: 'reasoning' }>, losses: string[]): Block | undefined {
  const { proof, text, at = '' } = part
  const isOwn = proof?.family === 'anthropic'
  if (isOwn && proof.encrypted !== undefined) {
    return { type: 'redacted_thinking', data: proof.encrypted, ...encodeCommon(part, losses) }
  }
  if (isOwn && proof.signature !== undefined) {
    return { type: 'thinking', thinking: text, signature: proof.signature, ...encodeCommon(part, losses) }
  }
  losses.push(at)
  return undefined
}
