import type { ChatEvent } from '../answer'
import { madeCallId } from '../call-ids'
import { entryOf, fieldsOf, listOf, numberOf, textOf } from '../fields'
import type { Part } from '../parts'
import { unfold } from '../unfold'
import { decodeAnnotation } from './citations'
import { PARAGRAPH } from './decode-reasoning'
import { partsOfItem, proofOfItem } from './items'

type Fields = Record<string, unknown>

/** What was told of an item. */
interface Told {
  index: number
  call: number | undefined
  hasContent: boolean
  annotations: number
  summaryIndex: number
  isDone: boolean
}

const CALLS: ReadonlySet<unknown> = new Set(['function_call', 'custom_tool_call'])
/** They frame what `unfold` tells of a part. */
const FRAME: ReadonlySet<ChatEvent['kind']> = new Set(['start', 'finish', 'end'])

/**
 * Reads the events of a response's items. Items are told apart by their place in the output: their ids change from
 * event to event at some servers.
 */
export class ItemReader {
  /** What has been told so far. */
  readonly kinds = new Set<Part['kind']>()
  readonly #emit: (event: ChatEvent) => void
  readonly #items = new Map<number, Told>()
  #calls = 0
  /** The part that is open, by its kind and place. */
  #open: string | undefined

  constructor(emit: (event: ChatEvent) => void) {
    this.#emit = emit
  }

  take(type: string, event: Fields): void {
    entryOf(HANDLERS, type)?.call(this, event, this.#at(numberOf(event.output_index) ?? 0))
  }

  /** Items of the whole output that no event told, as some compatible servers leave them out. */
  rest(output: unknown): void {
    for (const [index, item] of listOf(output).entries()) this.itemDone({ item }, this.#at(index))
    this.#close()
  }

  itemAdded({ item }: Fields, told: Told): void {
    const fields = fieldsOf(item)
    if (CALLS.has(fields.type) && told.call === undefined) this.#beginCall(fields, told)
  }

  itemDone({ item: value }: Fields, told: Told): void {
    if (told.isDone) return
    told.isDone = true
    const item = fieldsOf(value)
    if (CALLS.has(item.type)) this.#endCall(item, told)
    else if (!told.hasContent) this.#tellWhole(item)
    else {
      const proof = item.type === 'reasoning' ? proofOfItem(item) : undefined
      if (proof === undefined) this.#close()
      else this.#emit({ kind: 'proof', choice: 0, of: 'reasoning', proof })
      this.#open = undefined
    }
  }

  text({ delta, content_index, logprobs }: Fields, told: Told): void {
    const text = textOf(delta)
    if (text === undefined) return
    this.#enter(`text/${told.index}/${numberOf(content_index)}`, told)
    const content = listOf(logprobs)
    this.#emit({ kind: 'text', choice: 0, text, logprobs: content.length === 0 ? undefined : { content } })
  }

  refusal({ delta, content_index }: Fields, told: Told): void {
    this.#enter(`refusal/${told.index}/${numberOf(content_index)}`, told)
    this.kinds.add('refusal')
    this.#emit({ kind: 'refusal', choice: 0, text: textOf(delta) ?? '' })
  }

  summary({ delta, summary_index }: Fields, told: Told): void {
    const index = numberOf(summary_index) ?? 0
    const isNext = told.hasContent && index !== told.summaryIndex
    this.#enter(`summary/${told.index}`, told)
    told.summaryIndex = index
    const text = (isNext ? PARAGRAPH : '') + (textOf(delta) ?? '')
    this.#emit({ kind: 'reasoning', choice: 0, text, isSummary: true })
  }

  reasoning({ delta }: Fields, told: Told): void {
    this.#enter(`reasoning/${told.index}`, told)
    this.#emit({ kind: 'reasoning', choice: 0, text: textOf(delta) ?? '' })
  }

  annotation({ annotation }: Fields, told: Told): void {
    told.annotations += 1
    this.#emit({ kind: 'citation', choice: 0, citation: decodeAnnotation(annotation) })
  }

  partDone({ part }: Fields, told: Told): void {
    if (this.#open?.startsWith('text/') === true) {
      const annotations = listOf(fieldsOf(part).annotations).slice(told.annotations)
      for (const annotation of annotations) this.annotation({ annotation }, told)
    }
    told.annotations = 0
    if (this.#open?.startsWith('reasoning/') !== true) this.#close()
  }

  input({ delta }: Fields, told: Told): void {
    const json = textOf(delta)
    if (told.call === undefined || json === undefined) return
    told.hasContent = true
    this.#emit({ kind: 'tool_arguments', choice: 0, call: told.call, json })
  }

  #at(index: number): Told {
    const told: Told = this.#items.get(index) ?? {
      index,
      call: undefined,
      hasContent: false,
      annotations: 0,
      summaryIndex: 0,
      isDone: false,
    }
    this.#items.set(index, told)
    return told
  }

  #enter(place: string, told: Told): void {
    if (this.#open !== place) this.#close()
    this.#open = place
    told.hasContent = true
  }

  #close(): void {
    if (this.#open !== undefined) this.#emit({ kind: 'part_end', choice: 0 })
    this.#open = undefined
  }

  #beginCall(item: Fields, told: Told): number {
    this.#close()
    const call = this.#calls++
    told.call = call
    this.kinds.add('tool_call')
    const id = textOf(item.call_id) ?? madeCallId(call)
    const isCustom = item.type === 'custom_tool_call' ? true : undefined
    this.#emit({ kind: 'tool_call', choice: 0, call, id, name: textOf(item.name) ?? '', isCustom })
    return call
  }

  #endCall(item: Fields, told: Told): void {
    const call = told.call ?? this.#beginCall(item, told)
    if (!told.hasContent) this.input({ delta: item.arguments ?? item.input }, told)
    this.#emit({ kind: 'tool_call_end', choice: 0, call })
  }

  #tellWhole(item: Fields): void {
    this.#close()
    const parts = partsOfItem(item)
    for (const { kind } of parts) this.kinds.add(kind)
    const events = unfold({ choices: [{ index: 0, parts, finish: 'other' }] })
    for (const event of events) if (!FRAME.has(event.kind)) this.#emit(event)
  }
}

const HANDLERS: Readonly<Record<string, (this: ItemReader, event: Fields, told: Told) => void>> = {
  'response.output_item.added': ItemReader.prototype.itemAdded,
  'response.output_item.done': ItemReader.prototype.itemDone,
  'response.output_text.delta': ItemReader.prototype.text,
  'response.refusal.delta': ItemReader.prototype.refusal,
  'response.reasoning_summary_text.delta': ItemReader.prototype.summary,
  'response.reasoning_text.delta': ItemReader.prototype.reasoning,
  'response.output_text.annotation.added': ItemReader.prototype.annotation,
  'response.content_part.done': ItemReader.prototype.partDone,
  'response.function_call_arguments.delta': ItemReader.prototype.input,
  'response.custom_tool_call_input.delta': ItemReader.prototype.input,
}
