import { inputOfCall } from '../call-input'
import type { Part } from '../parts'
import type { WireProtocolId } from '../protocol'
import type { CacheMarker } from '../request'
import { lostExtras, untranslatable } from '../untranslatable'
import { type Block, fileBlock, imageBlock, videoBlock } from './media'
import { createDocumentNames, legalId } from './names'

/** What is collected while a request is written. */
export interface Writing {
  losses: string[]
  nameDocument: (name: string | undefined) => string
  /** Whose words errors use. */
  client: WireProtocolId
}

/** The beginning of a request that came in a protocol, with nothing lost yet. */
export function startWriting(protocol: WireProtocolId): Writing {
  return { losses: [], nameDocument: createDocumentNames(), client: protocol }
}

/** A part as content blocks: none when it is empty or means nothing to this target, two with a cache marker. */
export function blocksOf(part: Part, writing: Writing): Block[] {
  const block = blockOf(part, writing)
  writing.losses.push(...lostExtras(part.extras, 'bedrock-converse'))
  if (block === undefined) return []
  return [block, ...cachePoint(part.cache ?? innerMarker(part))]
}

/** The marker behind what may be cached; five minutes are the default. */
export function cachePoint(marker: CacheMarker | undefined): Block[] {
  if (marker === undefined) return []
  return [{ cachePoint: { type: 'default', ...(marker.ttl === '1h' ? { ttl: '1h' } : {}) } }]
}

function blockOf(part: Part, writing: Writing): Block | undefined {
  const { at = '' } = part
  switch (part.kind) {
    case 'text':
      if (part.citations !== undefined && part.citations.length > 0) writing.losses.push(`${at}.citations`)
      return textBlock(part.text)
    case 'refusal':
      return textBlock(part.text)
    case 'image':
      if (part.detail !== undefined && part.detail !== 'auto') writing.losses.push(`${at}.detail`)
      return imageBlock(part)
    case 'file':
      return fileBlock(part, writing.nameDocument)
    case 'video':
      return videoBlock(part)
    case 'audio':
      return transcriptOf(part, writing)
    case 'tool_call':
      return {
        toolUse: { toolUseId: legalId(part.id), name: part.name, input: inputOfCall(part, writing.client) },
      }
    case 'tool_result':
      return toolResult(part, writing)
    case 'reasoning':
      return reasoningBlock(part, writing)
    case 'native':
      writing.losses.push(at)
      return undefined
  }
}

// A blank text is refused: "The text field in the ContentBlock object is blank".
function textBlock(text: string): Block | undefined {
  return text.trim() === '' ? undefined : { text }
}

// What the model said earlier can be told in words; a sound of the user's cannot.
function transcriptOf({ transcript = '', at = '' }: Extract<Part, { kind: 'audio' }>, { losses }: Writing) {
  const spoken = textBlock(transcript)
  if (spoken === undefined) throw untranslatable(at, 'this target takes no sound')
  losses.push(at)
  return spoken
}

function toolResult(result: Extract<Part, { kind: 'tool_result' }>, writing: Writing): Block {
  const { callId, parts, isError } = result
  return {
    toolResult: {
      toolUseId: legalId(callId),
      content: parts.flatMap((part) => resultBlock(part, writing)),
      // Only some models take a status, and success is what no status means.
      ...(isError === true ? { status: 'error' } : {}),
    },
  }
}

function resultBlock(part: Part, writing: Writing): Block[] {
  const { kind, at = '' } = part
  if (kind === 'tool_call' || kind === 'tool_result' || kind === 'reasoning') {
    throw untranslatable(at, `the result of a tool holds no ${kind} here`)
  }
  // A marker has no place inside a result: it stands behind it.
  return blocksOf({ ...part, cache: undefined }, writing)
}

function innerMarker(part: Part): CacheMarker | undefined {
  return part.kind === 'tool_result'
    ? part.parts.findLast(({ cache }) => cache !== undefined)?.cache
    : undefined
}

// Reasoning goes back only with the proof that this family gave; that of another is nothing of this model's.
function reasoningBlock(part: Extract<Part, { kind: 'reasoning' }>, { losses }: Writing): Block | undefined {
  const { text, proof, at = '' } = part
  if (proof?.family === 'anthropic') {
    const { signature, encrypted } = proof
    if (signature !== undefined) return { reasoningContent: { reasoningText: { text, signature } } }
    if (encrypted !== undefined) return { reasoningContent: { redactedContent: encrypted } }
  }
  losses.push(at)
  return undefined
}
