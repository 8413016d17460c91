import { carry } from '../carried'
import { isObject, jsonOf, textOf } from '../fields'
import type { Media, Part, ReasoningProof } from '../parts'
import { encodeCitations } from './citations'
import type { Block } from './own-fields'
import { uniqueToolId } from './tool-ids'

type ToolCall = Extract<Part, { kind: 'tool_call' }>

/** A part of an answer as blocks for a client; none for what only another protocol knows. */
export function encodeReplyPart(part: Part, replyId: string): Block[] {
  switch (part.kind) {
    case 'text': {
      const citations = encodeCitations(part.citations)
      const block = { type: 'text', text: part.text, ...(citations.length === 0 ? {} : { citations }) }
      return [...(part.text === '' ? [] : [block]), ...proofBlocks(part.proof)]
    }
    case 'refusal':
      return textBlocks(part.text)
    case 'reasoning':
      return reasoningBlocks(part.text, part.proof)
    case 'tool_call':
      return callBlocks(part, replyId)
    case 'native':
      return part.protocol === 'anthropic' && isObject(part.value) ? [part.value] : []
    default:
      return textBlocks(inWords(part))
  }
}

/** Reasoning as the client sends it back: as a thinking with a signature, or all opaque where there is no text. */
export function reasoningBlocks(text: string, proof: ReasoningProof | undefined): Block[] {
  const isOpaque = text === '' && !(proof?.family === 'anthropic' && proof.signature !== undefined)
  if (isOpaque || isEncryptedOwn(proof)) return proofBlocks(proof)
  return [{ type: 'thinking', thinking: text, signature: signatureOf(proof) }]
}

/** A proof as the signature of a thinking; '' when there is none, which the provider would not take back. */
export function signatureOf(proof: ReasoningProof | undefined): string {
  if (proof === undefined) return ''
  return proof.family === 'anthropic' ? (proof.signature ?? '') : carry(proof)
}

/**
 * A proof in a block of its own: reasoning without text, or a proof that another provider gave for a call (in front
 * of it, with the call's id) or for a text (behind it).
 */
export function proofBlocks(proof: ReasoningProof | undefined, callId?: string): Block[] {
  if (proof === undefined) return []
  if (proof.family !== 'anthropic') return [{ type: 'redacted_thinking', data: carry(proof, callId) }]
  return proof.encrypted === undefined ? [] : [{ type: 'redacted_thinking', data: proof.encrypted }]
}

function isEncryptedOwn(proof: ReasoningProof | undefined): boolean {
  return proof?.family === 'anthropic' && proof.encrypted !== undefined
}

function callBlocks({ id, name, argumentsJson, proof }: ToolCall, replyId: string): Block[] {
  const callId = uniqueToolId(id, replyId)
  return [
    ...proofBlocks(proof, callId),
    { type: 'tool_use', id: callId, name, input: inputOf(argumentsJson) },
  ]
}

// Arguments that were cut off are no object; the provider's docs wrap them like this ("Fine-grained tool streaming").
function inputOf(argumentsJson: string): Block {
  if (argumentsJson.trim() === '') return {}
  const input = jsonOf(argumentsJson)
  return isObject(input) ? input : { INVALID_JSON: argumentsJson }
}

function textBlocks(text: string | undefined): Block[] {
  return text === undefined || text === '' ? [] : [{ type: 'text', text }]
}

/** What an answer of this protocol has no block for, so that a reader can still get at it. */
export function inWords(part: Part): string | undefined {
  if (part.kind === 'image') return `![image](${addressOf(part.media)})`
  if (part.kind === 'audio') return textOf(part.transcript) ?? `[audio](${addressOf(part.media)})`
  if (part.kind === 'video') return `[video](${addressOf(part.media)})`
  return part.kind === 'file' ? `[${part.name ?? 'file'}](${addressOf(part.media)})` : undefined
}

function addressOf(media: Media): string {
  switch (media.kind) {
    case 'url':
      return media.url
    case 'base64':
      return `data:${media.mediaType};base64,${media.base64}`
    case 'text':
      return `data:${media.mediaType},${encodeURIComponent(media.text)}`
    case 'file_id':
      return media.id
  }
}
