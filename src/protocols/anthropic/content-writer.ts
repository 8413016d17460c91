import type { ChatEvent } from '../answer'
import { isObject } from '../fields'
import type { Part, ReasoningProof } from '../parts'
import { encodeCitations } from './citations'
import type { Block } from './own-fields'
import { inWords, proofBlocks, signatureOf } from './reply-blocks'
import { type Segment, type SegmentQueue, segmentQueue } from './segments'
import { uniqueToolId } from './tool-ids'

type EventOf<Kind extends ChatEvent['kind']> = Extract<ChatEvent, { kind: Kind }>

/** Turns what happens in an answer into the events of its blocks. */
export interface ContentWriter {
  /** What can be told once this has happened; part of it may have to wait for a block to end. */
  add(event: ChatEvent): Block[]
  readonly hasRefusal: boolean
  readonly hasCalls: boolean
}

interface Content {
  queue: SegmentQueue
  calls: Map<number, Segment>
  replyId: string
}

/** Blocks whose input a client reads from deltas, as it does for calls of its own tools. */
const WITH_INPUT: ReadonlySet<unknown> = new Set(['server_tool_use', 'mcp_tool_use'])
const EMPTY = {
  text: { type: 'text', text: '' },
  thinking: { type: 'thinking', thinking: '', signature: '' },
} as const

/** An answer without content yet. */
export function contentWriter(replyId: string): ContentWriter {
  const content: Content = { queue: segmentQueue(), calls: new Map(), replyId }
  let hasRefusal = false
  return {
    add(event) {
      hasRefusal ||= event.kind === 'refusal'
      addEvent(content, event)
      return content.queue.told()
    },
    get hasRefusal() {
      return hasRefusal
    },
    get hasCalls() {
      return content.calls.size > 0
    },
  }
}

function addEvent(content: Content, event: ChatEvent): void {
  switch (event.kind) {
    case 'text':
    case 'refusal':
      addDelta(content, 'text', event.text, { type: 'text_delta', text: event.text })
      break
    case 'reasoning':
      addDelta(content, 'thinking', event.text, { type: 'thinking_delta', thinking: event.text })
      break
    case 'citation':
      for (const citation of encodeCitations([event.citation])) {
        openedIn(content, 'text').deltas.push({ type: 'citations_delta', citation })
      }
      break
    case 'proof':
      addProof(content, event)
      break
    case 'part_end':
      content.queue.closeOpen()
      break
    case 'part':
      addPart(content, event.part)
      break
    case 'finish':
    case 'end':
      content.queue.closeAll()
      break
    case 'tool_call':
    case 'tool_arguments':
    case 'tool_call_end':
      addToCall(content, event)
      break
    case 'start':
    case 'usage':
    case 'error':
      break
  }
}

function openedIn({ queue }: Content, kind: 'text' | 'thinking'): Segment {
  return queue.open(kind) ?? queue.begin({ kind, block: EMPTY[kind] })
}

function addDelta(content: Content, kind: 'text' | 'thinking', text: string, delta: Block): void {
  if (text !== '') openedIn(content, kind).deltas.push(delta)
}

function addProof(content: Content, { of, proof }: EventOf<'proof'>): void {
  const isThinking = content.queue.open('thinking') !== undefined
  if (of === 'reasoning' && isSignature(proof, isThinking)) {
    const signature = signatureOf(proof)
    openedIn(content, 'thinking').deltas.push({ type: 'signature_delta', signature })
  } else addWhole(content, proofBlocks(proof))
  content.queue.closeOpen()
}

// Without a thinking to sign, only the provider's own signature makes one: its text was not shown.
function isSignature(proof: ReasoningProof, isThinking: boolean): boolean {
  return proof.family === 'anthropic' ? proof.encrypted === undefined : isThinking
}

function addWhole({ queue }: Content, blocks: readonly Block[]): void {
  for (const block of blocks) queue.begin({ kind: 'whole', block })
}

function addPart(content: Content, part: Part): void {
  if (part.kind !== 'native') {
    const text = inWords(part) ?? ''
    content.queue.closeOpen()
    addDelta(content, 'text', text, { type: 'text_delta', text })
  } else if (part.protocol === 'anthropic' && isObject(part.value)) {
    const { value } = part
    if (!WITH_INPUT.has(value.type)) addWhole(content, [value])
    else {
      const segment = content.queue.begin({ kind: 'whole', block: { ...value, input: {} } })
      segment.deltas.push(inputDelta(JSON.stringify(value.input ?? {})))
    }
  }
  content.queue.closeOpen()
}

function addToCall(content: Content, event: EventOf<'tool_call' | 'tool_arguments' | 'tool_call_end'>): void {
  const { queue, calls, replyId } = content
  if (event.kind === 'tool_call') {
    const id = uniqueToolId(event.id, replyId)
    addWhole(content, proofBlocks(event.proof, id))
    calls.set(
      event.call,
      queue.begin({ kind: 'call', block: { type: 'tool_use', id, name: event.name, input: {} } }),
    )
    return
  }
  const segment = calls.get(event.call)
  if (segment === undefined || segment.isClosed) return
  if (event.kind === 'tool_call_end') segment.isClosed = true
  else {
    segment.json += event.json
    segment.deltas.push(inputDelta(event.json))
  }
}

function inputDelta(json: string): Block {
  return { type: 'input_json_delta', partial_json: json }
}
