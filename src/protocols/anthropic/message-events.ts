import type { ChatEvent } from '../answer'
import { entryOf, fieldsOf, listOf, textOf } from '../fields'
import { type OpenBlock, openBlock } from './block-decoder'
import { errorOf } from './errors'
import { decodeStopReason, refusalOf } from './finish'
import type { Block } from './own-fields'
import { decodeUsage, mergeUsage } from './usage'

/** Reads the events of one message, each with what came before it in mind. */
export interface MessageEvents {
  read(fields: Block, event: { name: string | undefined; data: string }): ChatEvent[]
}

interface State {
  blocks: Map<unknown, OpenBlock>
  calls: number
  hasContent: boolean
  usage: Block
}

/** A message of which nothing has come yet. */
export function messageEvents(): MessageEvents {
  const state: State = { blocks: new Map(), calls: 0, hasContent: false, usage: {} }
  return {
    read(fields, { name, data }) {
      const type = textOf(fields.type) ?? name ?? ''
      if (type !== 'error') return Object.hasOwn(readers, type) ? (readers[type]?.(state, fields) ?? []) : []
      return [{ kind: 'error', error: errorOf(fields) ?? { message: 'unknown error', status: 500 }, data }]
    },
  }
}

/** What each event tells; a ping and what is not known tell nothing. */
const readers: Readonly<Record<string, (state: State, fields: Block) => ChatEvent[]>> = {
  message_start(state, { message }) {
    const fields = fieldsOf(message)
    const { id, model, usage } = fields
    const serviceTier = textOf(fieldsOf(usage).service_tier)
    return [
      { kind: 'start', id: textOf(id), model: textOf(model), serviceTier },
      ...usageEvents(state, usage),
      ...contentAtStart(state, fields),
      ...finishEvents(state, fields),
    ]
  },
  content_block_start(state, { index, content_block: block }) {
    return ofContent(state, begun(state, index, fieldsOf(block)).started)
  },
  content_block_delta(state, { index, delta }) {
    const fields = fieldsOf(delta)
    const type = entryOf(TYPE_OF_DELTA, textOf(fields.type) ?? '')
    const block = state.blocks.get(index) ?? begun(state, index, { type })
    return ofContent(state, block.add(fields))
  },
  content_block_stop(state, { index }) {
    const events = state.blocks.get(index)?.stop() ?? []
    state.blocks.delete(index)
    return ofContent(state, events)
  },
  message_delta(state, { delta, usage }) {
    return [...usageEvents(state, usage), ...finishEvents(state, fieldsOf(delta))]
  },
  message_stop: () => [{ kind: 'end' }],
}

/** What a block must be that nobody began, by what is added to it. */
const TYPE_OF_DELTA: Readonly<Record<string, string>> = {
  text_delta: 'text',
  citations_delta: 'text',
  thinking_delta: 'thinking',
  signature_delta: 'thinking',
}

function begun(state: State, index: unknown, start: Block): OpenBlock {
  const block = openBlock(start, state.calls)
  if (start.type === 'tool_use') state.calls += 1
  state.blocks.set(index, block)
  return block
}

// A turn that goes on behind tools of the provider's own may come whole in its first event.
function contentAtStart(state: State, { content }: Block): ChatEvent[] {
  return listOf(content).flatMap((block) => {
    const { started, stop } = begun(state, undefined, fieldsOf(block))
    return ofContent(state, [...started, ...stop()])
  })
}

function finishEvents(state: State, fields: Block): ChatEvent[] {
  const reason = textOf(fields.stop_reason)
  if (reason === undefined) return []
  const refusal = state.hasContent ? undefined : refusalOf(fields)
  const stopSequence = textOf(fields.stop_sequence)
  return [
    ...(refusal?.kind === 'refusal' ? [{ kind: 'refusal', choice: 0, text: refusal.text } as const] : []),
    { kind: 'finish', choice: 0, reason: decodeStopReason(reason), stopSequence },
  ]
}

function ofContent(state: State, events: ChatEvent[]): ChatEvent[] {
  state.hasContent ||= events.some(({ kind }) => kind !== 'part_end')
  return events
}

function usageEvents(state: State, told: unknown): ChatEvent[] {
  state.usage = mergeUsage(state.usage, told)
  const usage = decodeUsage(state.usage)
  return usage === undefined ? [] : [{ kind: 'usage', usage }]
}
