import { inputOfCall } from '../call-input'
import { isObject } from '../fields'
import type { Part } from '../parts'
import type { WireProtocolId } from '../protocol'
import { untranslatable } from '../untranslatable'
import type { Conversation } from './conversation'
import { encodeMedia } from './encode-media'
import { ownSignature } from './proof'

type MediaPart = Extract<Part, { kind: 'image' | 'audio' | 'video' | 'file' }>
type ToolCall = Extract<Part, { kind: 'tool_call' }>

/** Where each protocol has the name of a file. */
const FILE_NAME: Readonly<Record<WireProtocolId, string>> = {
  'openai-chat': 'file.filename',
  'openai-responses': 'filename',
  anthropic: 'title',
  gemini: 'displayName',
  'bedrock-converse': 'document.name',
}

/** A part of what the user, or the system, says. */
export function encodeUserPart(
  part: Part,
  at: string,
  conversation: Conversation,
): Record<string, unknown>[] {
  switch (part.kind) {
    case 'text':
    case 'refusal':
    case 'native':
      return encodeAssistantPart(part, at, conversation)
    case 'image':
    case 'audio':
    case 'video':
    case 'file':
      return encodeMediaPart(part, at, conversation)
    default:
      throw untranslatable(at, `A ${part.kind} cannot stand in a user's turn.`)
  }
}

/** A part of what the model said before. */
export function encodeAssistantPart(
  part: Part,
  at: string,
  conversation: Conversation,
): Record<string, unknown>[] {
  const { losses, request } = conversation
  switch (part.kind) {
    case 'text': {
      const signature = ownSignature(part.proof)
      if (signature === undefined) return part.text === '' ? [] : [{ text: part.text }]
      return [{ text: part.text, thoughtSignature: signature }]
    }
    case 'refusal':
      return part.text === '' ? [] : [{ text: part.text }]
    case 'reasoning': {
      const signature = ownSignature(part.proof)
      if (signature !== undefined) return [{ text: part.text, thought: true, thoughtSignature: signature }]
      if (request.protocol === 'gemini' && part.proof === undefined)
        return [{ text: part.text, thought: true }]
      losses.add(at)
      return []
    }
    case 'tool_call':
      return [encodeCall(part, at, conversation)]
    case 'native':
      if (part.protocol === 'gemini' && isObject(part.value)) return [part.value]
      losses.add(at)
      return []
    case 'audio':
      // A sound that the model made is stored with its provider; what it said is left.
      if (part.media.kind === 'file_id' && part.transcript !== undefined) return [{ text: part.transcript }]
      return encodeMediaPart(part, at, conversation)
    case 'tool_result':
      throw untranslatable(at, 'A tool result cannot stand in an assistant turn.')
    default:
      return encodeMediaPart(part, at, conversation)
  }
}

function encodeCall(part: ToolCall, at: string, { request, calls }: Conversation): Record<string, unknown> {
  const { id, name, proof } = part
  calls.set(id, { name, position: calls.size })
  const args = inputOfCall({ ...part, at }, request.protocol)
  const signature = ownSignature(proof)
  return {
    functionCall: { id, name, args },
    ...(signature === undefined ? {} : { thoughtSignature: signature }),
  }
}

/** An image, a sound, a video or a file; throws for what only another provider has. */
export function encodeMediaPart(
  part: MediaPart,
  at: string,
  { request, losses }: Conversation,
): Record<string, unknown>[] {
  const isOwn = request.protocol === 'gemini'
  const name = part.kind === 'file' ? part.name : undefined
  const encoded = encodeMedia(part, isOwn ? name : undefined)
  if (encoded === undefined)
    throw untranslatable(
      at,
      'A file stored with one provider cannot be sent to another. Send its bytes or a URL.',
    )
  if (name !== undefined && !isOwn) losses.add(`${at}.${FILE_NAME[request.protocol]}`)
  if (part.kind === 'image' && part.detail !== undefined && part.detail !== 'auto')
    losses.add(request.protocol === 'openai-chat' ? `${at}.image_url.detail` : `${at}.detail`)
  if (part.kind !== 'file') return [encoded]
  if (part.isCited === true) losses.add(`${at}.citations`)
  return part.context === undefined ? [encoded] : [{ text: part.context }, encoded]
}
