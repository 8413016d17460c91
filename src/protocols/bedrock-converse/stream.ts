import { fromBase64, toBase64 } from '../../platform/base64'
import type { ChatEvent } from '../answer'
import { madeCallId } from '../call-ids'
import type { EventDecoder } from '../codec'
import { countOf, entryOf, fieldsOf, isObject, jsonOf, textOf } from '../fields'
import { errorOfFrame } from './errors'
import { finishOf } from './finish'
import { type Frame, frameReader } from './frames'
import { citationOf, imagePart, nativePart, signatureProof } from './reply'
import { decodeConverseUsage } from './usage'

type Fields = Record<string, unknown>

/** A content block that is open. */
interface OpenBlock {
  /** The number of the call that it is. */
  call: number | undefined
  hasArguments: boolean
  /** Proofs come in pieces, and are told when the block is whole. */
  signature: string
  redacted: string[]
  /** The start and pieces of what only Converse knows, told as one part. */
  native: { start: Fields; deltas: unknown[] } | undefined
}

/** Frames of `ConverseStream` to events. */
export function converseDecoder(): EventDecoder {
  let events: ChatEvent[] = []
  const reading = createReading((event) => events.push(event))
  const reader = frameReader({
    frame: reading.onFrame,
    broken: (message) => reading.fail({ kind: 'error', error: { message, status: 502 }, data: '' }),
  })
  const told = () => {
    const all = events
    events = []
    return all
  }
  return {
    feed(bytes) {
      reader.feed(bytes)
      return told()
    },
    end() {
      reading.onEnd()
      return told()
    },
  }
}

function createReading(tell: (event: ChatEvent) => void) {
  const blocks = createBlocks(tell)
  let isStopped = false
  let isOver = false
  const finish = () => {
    if (!isStopped || isOver) return
    isOver = true
    tell({ kind: 'end' })
  }
  const handlers: Readonly<Record<string, (fields: Fields) => void>> = {
    messageStart: () => tell({ kind: 'start' }),
    contentBlockStart: blocks.start,
    contentBlockDelta: blocks.delta,
    contentBlockStop: blocks.stop,
    messageStop(fields) {
      blocks.stopAll()
      isStopped = true
      tell({ kind: 'finish', choice: 0, ...finishOf(fields) })
    },
    // The last of all: the counts come behind the end of the message.
    metadata({ usage }) {
      const counts = decodeConverseUsage(usage)
      if (counts !== undefined) tell({ kind: 'usage', usage: counts })
      finish()
    },
  }
  const fail = (event: ChatEvent) => {
    if (isOver) return
    isOver = true
    tell(event)
  }
  return {
    fail,
    onFrame(frame: Frame) {
      const error = errorOfFrame(frame)
      if (error !== undefined) fail({ kind: 'error', error, data: frame.payload })
      else if (!isOver)
        entryOf(handlers, frame.headers[':event-type'] ?? '')?.(fieldsOf(jsonOf(frame.payload)))
    },
    onEnd: finish,
  }
}

function createBlocks(tell: (event: ChatEvent) => void) {
  const open = new Map<number, OpenBlock>()
  let calls = 0
  const blockAt = (fields: Fields): OpenBlock => {
    const index = countOf(fields.contentBlockIndex) ?? 0
    const block = open.get(index) ?? newBlock()
    open.set(index, block)
    return block
  }
  const close = (block: OpenBlock) => {
    for (const event of closing(block)) tell(event)
  }
  return {
    start(fields: Fields) {
      const block = blockAt(fields)
      const start = fieldsOf(fields.start)
      const { toolUseId, name, type } = fieldsOf(start.toolUse)
      if (isObject(start.toolUse) && type !== 'server_tool_use') {
        block.call = calls++
        const id = textOf(toolUseId) ?? madeCallId(block.call)
        tell({ kind: 'tool_call', choice: 0, call: block.call, id, name: textOf(name) ?? '' })
      } else if (Object.keys(start).length > 0) block.native = { start, deltas: [] }
    },
    delta(fields: Fields) {
      const block = blockAt(fields)
      for (const event of pieces(block, fieldsOf(fields.delta))) tell(event)
    },
    stop(fields: Fields) {
      close(blockAt(fields))
      open.delete(countOf(fields.contentBlockIndex) ?? 0)
    },
    stopAll() {
      for (const block of open.values()) close(block)
      open.clear()
    },
  }
}

function newBlock(): OpenBlock {
  return { call: undefined, hasArguments: false, signature: '', redacted: [], native: undefined }
}

function pieces(block: OpenBlock, delta: Fields): ChatEvent[] {
  if (block.native !== undefined) {
    block.native.deltas.push(delta)
    return []
  }
  const text = textOf(delta.text)
  if (text !== undefined) return [{ kind: 'text', choice: 0, text }]
  const json = textOf(fieldsOf(delta.toolUse).input)
  if (json !== undefined && block.call !== undefined) {
    block.hasArguments = true
    return [{ kind: 'tool_arguments', choice: 0, call: block.call, json }]
  }
  if (delta.citation !== undefined)
    return [{ kind: 'citation', choice: 0, citation: citationOf(delta.citation) }]
  return thoughts(block, fieldsOf(delta.reasoningContent))
}

function thoughts(block: OpenBlock, { text, signature, redactedContent }: Fields): ChatEvent[] {
  block.signature += textOf(signature) ?? ''
  const redacted = textOf(redactedContent)
  if (redacted !== undefined) block.redacted.push(redacted)
  const piece = textOf(text)
  return piece === undefined ? [] : [{ kind: 'reasoning', choice: 0, text: piece }]
}

function closing(block: OpenBlock): ChatEvent[] {
  const { call, hasArguments, signature, redacted, native } = block
  if (native !== undefined) return [{ kind: 'part', choice: 0, part: partOf(native) }]
  if (call !== undefined) {
    // A call without arguments streams none, and has an empty object in a whole reply.
    const empty: ChatEvent[] = hasArguments ? [] : [{ kind: 'tool_arguments', choice: 0, call, json: '{}' }]
    return [...empty, { kind: 'tool_call_end', choice: 0, call }]
  }
  const proof = redacted.length > 0 ? redactedProof(redacted) : signatureProof(signature)
  return [
    ...(proof === undefined ? [] : [{ kind: 'proof', choice: 0, of: 'reasoning', proof } as const]),
    { kind: 'part_end', choice: 0 },
  ]
}

function redactedProof(pieces: readonly string[]) {
  const [first = '', ...more] = pieces
  const encrypted = more.length === 0 ? first : toBase64(joined(pieces.map(fromBase64)))
  return { family: 'anthropic', encrypted } as const
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(pieces.reduce((sum, { byteLength }) => sum + byteLength, 0))
  let at = 0
  for (const piece of pieces) {
    all.set(piece, at)
    at += piece.byteLength
  }
  return all
}

// A picture comes as its format first, and then its bytes; the rest stays as it was told.
function partOf({ start, deltas }: { start: Fields; deltas: readonly unknown[] }) {
  const told = deltas
    .map((delta) => fieldsOf(fieldsOf(delta).image))
    .find(({ source }) => source !== undefined)
  const image = told && imagePart({ ...fieldsOf(start.image), ...told })
  return image ?? nativePart({ ...start, deltas })
}
