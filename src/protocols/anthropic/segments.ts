import { isObject, jsonOf } from '../fields'
import type { Block } from './own-fields'

/** A block of an answer, while it comes. */
export interface Segment {
  kind: 'text' | 'thinking' | 'call' | 'whole'
  /** As it begins. */
  block: Block
  /** What is not told yet. */
  deltas: Block[]
  /** What came of a call's arguments, told or not. */
  json: string
  isTold: boolean
  isClosed: boolean
}

/** Tells blocks one after another: each begins, goes on and ends before the next one begins, whatever comes in. */
export interface SegmentQueue {
  /** Puts a block behind the others, and ends the last one, unless that is a call whose arguments still come. */
  begin(segment: Pick<Segment, 'kind' | 'block'>): Segment
  /** The block that goes on, when it is of this kind. */
  open(kind: 'text' | 'thinking'): Segment | undefined
  /** Ends the text or the thinking that goes on. */
  closeOpen(): void
  /** No more comes: every block ends. */
  closeAll(): void
  /** What can be told now, as events. */
  told(): Block[]
}

/** An empty queue; blocks are counted from 0. */
export function segmentQueue(): SegmentQueue {
  const waiting: Segment[] = []
  let index = 0
  const last = () => waiting.at(-1)
  const closeOpen = () => {
    const segment = last()
    if (segment !== undefined && segment.kind !== 'call') segment.isClosed = true
  }
  return {
    begin({ kind, block }) {
      closeOpen()
      const segment: Segment = {
        kind,
        block,
        deltas: [],
        json: '',
        isTold: false,
        isClosed: kind === 'whole',
      }
      waiting.push(segment)
      return segment
    },
    open(kind) {
      const segment = last()
      return segment?.kind === kind && !segment.isClosed ? segment : undefined
    },
    closeOpen,
    closeAll() {
      for (const segment of waiting) segment.isClosed = true
    },
    told() {
      const events: Block[] = []
      for (let first = waiting[0]; first !== undefined; first = waiting[0]) {
        events.push(...eventsOf(first, index))
        // A call whose arguments are whole has ended when something else has begun, though nobody said so.
        if (!first.isClosed && !(waiting.length > 1 && isWhole(first.json))) break
        events.push({ type: 'content_block_stop', index })
        first.isClosed = true
        waiting.shift()
        index += 1
      }
      return events
    },
  }
}

function eventsOf(segment: Segment, index: number): Block[] {
  const start = segment.isTold ? [] : [{ type: 'content_block_start', index, content_block: segment.block }]
  const deltas = segment.deltas.map((delta) => ({ type: 'content_block_delta', index, delta }))
  segment.isTold = true
  segment.deltas = []
  return [...start, ...deltas]
}

function isWhole(json: string): boolean {
  return isObject(jsonOf(json))
}
