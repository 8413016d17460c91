import type { ItemStatus, OpenItem } from './open-items'

/** An item in the queue, and what waits to be written in it. */
interface Slot {
  waiting: (() => void)[]
  status: ItemStatus | undefined
}

/** Items in the order of their beginnings, of which only the first is open. */
export interface ItemQueue {
  /** The item begins when all before it have ended. */
  add(item: OpenItem): void
  /** Does it now when the item is open, else when its turn comes. */
  write(item: OpenItem, act: () => void): void
  end(item: OpenItem, status?: ItemStatus): void
  /** Ends whatever has not ended; the last item so. */
  endAll(status: ItemStatus): void
}

/**
 * Calls may be told in turns, but a response writes one item at a time: what comes for an item that has not begun
 * is kept until those before it have ended.
 */
export function itemQueue(): ItemQueue {
  const slots = new Map<OpenItem, Slot>()
  const first = () => slots.keys().next().value
  const advance = () => {
    for (let item = first(); item !== undefined; item = first()) {
      const status = slots.get(item)?.status
      if (status === undefined) return
      slots.delete(item)
      item.end(status)
      const next = first()
      if (next !== undefined) begin(next)
    }
  }
  const begin = (item: OpenItem) => {
    item.begin()
    for (const act of slots.get(item)?.waiting.splice(0) ?? []) act()
  }
  const end = (item: OpenItem, status: ItemStatus) => {
    const slot = slots.get(item)
    if (slot === undefined) return
    slot.status ??= status
    advance()
  }
  return {
    add(item) {
      slots.set(item, { waiting: [], status: undefined })
      if (slots.size === 1) begin(item)
    },
    write(item, act) {
      if (item === first()) act()
      else slots.get(item)?.waiting.push(act)
    },
    end: (item, status = 'completed') => end(item, status),
    endAll(status) {
      const items = [...slots.keys()]
      for (const item of items) end(item, item === items.at(-1) ? status : 'completed')
    },
  }
}
