import type { ChatEvent } from '../answer'
import { madeCallId } from '../call-ids'
import { isObject, jsonOf, listOf, textOf } from '../fields'
import { decodeCitation } from './citations'
import { decodeReplyBlock } from './decode-reply'
import type { Block } from './own-fields'

/** A block of a stream between its start and its stop. */
export interface OpenBlock {
  /** What its start tells already. */
  started: ChatEvent[]
  add(delta: Block): ChatEvent[]
  stop(): ChatEvent[]
}

const CHOICE = { choice: 0 } as const
const PART_END: ChatEvent = { kind: 'part_end', ...CHOICE }

/** A block that begins; `call` is its number if it is a call. */
export function openBlock(start: Block, call: number): OpenBlock {
  switch (start.type) {
    case 'text':
      return textBlock(start)
    case 'thinking':
      return thinkingBlock(start)
    case 'tool_use':
      return callBlock(start, call)
    default:
      return wholeBlock(start)
  }
}

function textBlock(start: Block): OpenBlock {
  const textEvents = (text: unknown): ChatEvent[] => {
    return typeof text === 'string' && text !== '' ? [{ kind: 'text', ...CHOICE, text }] : []
  }
  const citationEvent = (value: unknown): ChatEvent => {
    return { kind: 'citation', ...CHOICE, citation: decodeCitation(value) }
  }
  return {
    started: [...textEvents(start.text), ...listOf(start.citations).map(citationEvent)],
    add: ({ type, text, citation }) =>
      type === 'citations_delta' ? [citationEvent(citation)] : textEvents(text),
    stop: () => [PART_END],
  }
}

function thinkingBlock(start: Block): OpenBlock {
  let signature = textOf(start.signature)
  const events = (text: unknown): ChatEvent[] => {
    return typeof text === 'string' && text !== '' ? [{ kind: 'reasoning', ...CHOICE, text }] : []
  }
  return {
    started: events(start.thinking),
    add(delta) {
      // A whole one every time, which is how the provider's own SDKs read it.
      if (delta.type === 'signature_delta') signature = textOf(delta.signature) ?? signature
      return events(delta.thinking)
    },
    stop: () => {
      if (signature === undefined) return [PART_END]
      return [
        { kind: 'proof', ...CHOICE, of: 'reasoning', proof: { family: 'anthropic', signature } },
        PART_END,
      ]
    },
  }
}

function callBlock(start: Block, call: number): OpenBlock {
  const isGiven = isObject(start.input) && Object.keys(start.input).length > 0
  let hasDeltas = false
  const id = textOf(start.id) ?? madeCallId(call)
  const given = (json: string): ChatEvent => ({ kind: 'tool_arguments', ...CHOICE, call, json })
  return {
    started: [{ kind: 'tool_call', ...CHOICE, call, id, name: textOf(start.name) ?? '' }],
    add({ partial_json: json }) {
      if (typeof json !== 'string' || json === '') return []
      hasDeltas = true
      return [given(json)]
    },
    stop: () => [
      // Deltas tell all of the input; without them it is what the block began with.
      ...(hasDeltas ? [] : [given(isGiven ? JSON.stringify(start.input) : '{}')]),
      { kind: 'tool_call_end', ...CHOICE, call },
    ],
  }
}

function wholeBlock(start: Block): OpenBlock {
  let block = { ...start }
  let json = ''
  return {
    started: [],
    add({ type: _, partial_json: piece, ...fields }) {
      if (typeof piece === 'string') json += piece
      block = { ...block, ...grown(block, fields) }
      return []
    },
    stop() {
      const input = json === '' ? undefined : jsonOf(json)
      const part = decodeReplyBlock(input === undefined ? block : { ...block, input })
      if (part?.kind !== 'reasoning') return part === undefined ? [] : [{ kind: 'part', ...CHOICE, part }]
      const { proof } = part
      return [
        ...(proof === undefined ? [] : [{ kind: 'proof', ...CHOICE, of: 'reasoning', proof } as const]),
        PART_END,
      ]
    },
  }
}

// Texts come in pieces; of anything else the last word counts.
function grown(block: Block, fields: Block): Block {
  const members = Object.entries(fields).map(([name, value]) => {
    const before = block[name]
    return [name, typeof before === 'string' && typeof value === 'string' ? before + value : value]
  })
  return Object.fromEntries(members)
}
