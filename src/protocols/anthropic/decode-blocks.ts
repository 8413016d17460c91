import { carried } from '../carried'
import { fieldsOf, isObject } from '../fields'
import type { Media, Part, ReasoningProof } from '../parts'
import { invalidField } from '../untranslatable'
import { arrayAt, objectAt, optionalFlagAt, optionalTextAt, textAt } from './checks'
import { decodeCitations } from './citations'
import { type Block, commonOf } from './own-fields'

/** The parts of a message's content, which is a text or blocks. */
export function decodeContent(content: unknown, at: string): Part[] {
  if (typeof content === 'string') return [{ kind: 'text', text: content, at }]
  if (!Array.isArray(content)) throw invalidField(at, `${at}: Expected a string or an array.`, 'invalid_type')
  return withProofs(
    content.map((block, index) => decodeBlock(objectAt(block, `${at}[${index}]`), `${at}[${index}]`)),
  )
}

/** A part whose proof belongs to another one of the message. */
interface Loose {
  part: Part
  callId?: string | undefined
}

const decoders: Readonly<Record<string, (block: Block, at: string) => Part>> = {
  text: decodeText,
  image: (block, at) => ({
    kind: 'image',
    media: decodeSource(objectAt(block.source, `${at}.source`), `${at}.source`),
    ...commonOf(block, ['source'], at),
  }),
  document: decodeDocument,
  search_result: decodeSearchResult,
  tool_use: decodeToolUse,
  tool_result: decodeToolResult,
  thinking: decodeThinking,
}

function decodeBlock(block: Block, at: string): Loose {
  const type = textAt(block.type, `${at}.type`)
  if (type === 'redacted_thinking') return decodeRedacted(block, at)
  const decode = Object.hasOwn(decoders, type) ? decoders[type] : undefined
  return { part: decode?.(block, at) ?? { kind: 'native', type, protocol: 'anthropic', value: block, at } }
}

function decodeText(block: Block, at: string): Part {
  const citations = decodeCitations(block.citations)
  return {
    kind: 'text',
    text: textAt(block.text, `${at}.text`),
    ...(citations === undefined ? {} : { citations }),
    ...commonOf(block, ['text', 'citations'], at),
  }
}

function decodeSource(source: Block, at: string): Media {
  const mediaType = optionalTextAt(source.media_type, `${at}.media_type`)
  switch (source.type) {
    case 'base64':
      return {
        kind: 'base64',
        base64: textAt(source.data, `${at}.data`),
        mediaType: textAt(mediaType, `${at}.media_type`),
      }
    case 'url':
      return { kind: 'url', url: textAt(source.url, `${at}.url`) }
    case 'text':
      return { kind: 'text', text: textAt(source.data, `${at}.data`), mediaType: mediaType ?? 'text/plain' }
    case 'file':
      return { kind: 'file_id', id: textAt(source.file_id, `${at}.file_id`), protocol: 'anthropic' }
    default:
      throw invalidField(`${at}.type`, `${at}.type: Expected base64, url, text, content or file.`)
  }
}

function decodeDocument(block: Block, at: string): Part {
  const source = objectAt(block.source, `${at}.source`)
  const chunks = source.type === 'content' ? chunksOf(source.content, `${at}.source.content`) : undefined
  // Chunks with images among them have no counterpart elsewhere.
  if (chunks === 'mixed') return { kind: 'native', type: 'document', protocol: 'anthropic', value: block, at }
  const { cache, extras } = commonOf(block, ['source', 'title', 'context', 'citations'], at)
  const fields = { ...extras?.fields, ...(chunks === undefined ? {} : { source }) }
  return {
    kind: 'file',
    media: chunks === undefined ? decodeSource(source, `${at}.source`) : plainText(chunks),
    at,
    name: optionalTextAt(block.title, `${at}.title`),
    context: optionalTextAt(block.context, `${at}.context`),
    isCited: optionalFlagAt(fieldsOf(block.citations).enabled, `${at}.citations.enabled`),
    cache,
    ...(Object.keys(fields).length === 0 ? {} : { extras: { protocol: 'anthropic', fields, at } }),
  }
}

// What the client's own search found is a text with an address, which every model reads.
function decodeSearchResult(block: Block, at: string): Part {
  const chunks = chunksOf(block.content, `${at}.content`)
  if (chunks === 'mixed')
    return { kind: 'native', type: 'search_result', protocol: 'anthropic', value: block, at }
  return {
    kind: 'file',
    media: plainText(chunks),
    name: optionalTextAt(block.title, `${at}.title`),
    context: optionalTextAt(block.source, `${at}.source`),
    isCited: optionalFlagAt(fieldsOf(block.citations).enabled, `${at}.citations.enabled`),
    native: { protocol: 'anthropic', value: block },
    ...commonOf(block, ['content', 'title', 'source', 'citations'], at),
  }
}

function plainText(text: string): Media {
  return { kind: 'text', text, mediaType: 'text/plain' }
}

function chunksOf(content: unknown, at: string): string | 'mixed' {
  if (typeof content === 'string') return content
  const chunks = arrayAt(content, at).map((chunk, index) => objectAt(chunk, `${at}[${index}]`))
  if (chunks.some(({ type }) => type !== 'text')) return 'mixed'
  return chunks.map(({ text }, index) => textAt(text, `${at}[${index}].text`)).join('\n')
}

function decodeToolUse(block: Block, at: string): Part {
  const { input = {} } = block
  if (!isObject(input)) throw invalidField(`${at}.input`, `${at}.input: Expected an object.`, 'invalid_type')
  return {
    kind: 'tool_call',
    id: textAt(block.id, `${at}.id`),
    name: textAt(block.name, `${at}.name`),
    argumentsJson: JSON.stringify(input),
    ...commonOf(block, ['id', 'name', 'input'], at),
  }
}

function decodeToolResult(block: Block, at: string): Part {
  const { content = [] } = block
  const isError = optionalFlagAt(block.is_error, `${at}.is_error`)
  return {
    kind: 'tool_result',
    callId: textAt(block.tool_use_id, `${at}.tool_use_id`),
    parts: content === null ? [] : decodeContent(content, `${at}.content`),
    ...(isError === undefined ? {} : { isError }),
    ...commonOf(block, ['tool_use_id', 'content', 'is_error'], at),
  }
}

function decodeThinking(block: Block, at: string): Part {
  const signature = optionalTextAt(block.signature, `${at}.signature`) ?? ''
  const foreign = carried(signature)?.proof
  const proof: ReasoningProof | undefined =
    foreign ?? (signature === '' ? undefined : { family: 'anthropic', signature })
  return {
    kind: 'reasoning',
    text: textAt(block.thinking, `${at}.thinking`),
    // What is shown beside an encrypted reasoning is always a summary of it.
    ...(foreign?.encrypted === undefined ? {} : { isSummary: true }),
    ...(proof === undefined ? {} : { proof }),
    ...commonOf(block, ['thinking', 'signature'], at),
  }
}

function decodeRedacted(block: Block, at: string): Loose {
  const data = textAt(block.data, `${at}.data`)
  const { proof, callId } = carried(data) ?? { proof: { family: 'anthropic' as const, encrypted: data } }
  return { part: { kind: 'reasoning', text: '', proof, ...commonOf(block, ['data'], at) }, callId }
}

/**
 * Proofs that another provider gave for a call or a text travel as a block of their own: in front of the call that
 * they name, and behind the text.
 */
function withProofs(loose: readonly Loose[]): Part[] {
  const callProofs = new Map<string, ReasoningProof>()
  const ids = new Set(loose.flatMap(({ part }) => (part.kind === 'tool_call' ? [part.id] : [])))
  const parts: Part[] = []
  for (const { part, callId } of loose) {
    const proof = part.kind === 'reasoning' ? part.proof : undefined
    const before = parts.at(-1)
    if (proof !== undefined && callId !== undefined && ids.has(callId)) callProofs.set(callId, proof)
    else if (isProofOfText(part) && before?.kind === 'text') parts.splice(-1, 1, { ...before, proof })
    else parts.push(part)
  }
  return parts.map((part) => {
    const proof = part.kind === 'tool_call' ? callProofs.get(part.id) : undefined
    return part.kind === 'tool_call' && proof !== undefined ? { ...part, proof } : part
  })
}

function isProofOfText(part: Part): boolean {
  return part.kind === 'reasoning' && part.text === '' && part.proof?.family === 'gemini'
}
