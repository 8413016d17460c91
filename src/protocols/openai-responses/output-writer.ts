import { uniqueCallId } from '../call-ids'
import { carry } from '../carried'
import { fieldsOf } from '../fields'
import type { Citation, Part, ReasoningProof } from '../parts'
import { OWN_REASONING_ID } from './decode-reasoning'
import { type ItemQueue, itemQueue } from './item-queue'
import {
  type Desk,
  type ItemStatus,
  type OpenCall,
  type OpenItem,
  type OpenMessage,
  type OpenReasoning,
  openCall,
  openMessage,
  openReasoning,
  wholeItem,
} from './open-items'

/** The item that texts or reasoning go on in. */
type Tail = { kind: 'message'; item: OpenMessage } | { kind: 'reasoning'; item: OpenReasoning } | undefined

/** Sorts the pieces of an answer into items, and ends an item when something else begins. */
export class OutputWriter {
  readonly #desk: Desk
  readonly #replyId: string
  readonly #isTold: boolean
  readonly #queue: ItemQueue = itemQueue()
  readonly #calls = new Map<number, OpenCall>()
  #tail: Tail
  #items = 0

  /** `isTold` when clients hear of every step, so that nothing can be changed in what was told. */
  constructor(desk: Desk, given: { replyId: string; isTold: boolean }) {
    this.#desk = desk
    this.#replyId = given.replyId
    this.#isTold = given.isTold
  }

  text(text: string, logprobs: readonly unknown[]): void {
    if (text === '') return
    const item = this.#message()
    this.#queue.write(item, () => item.text(text, logprobs))
  }

  refusal(text: string): void {
    const item = this.#message()
    this.#queue.write(item, () => item.refusal(text))
  }

  citation(citation: Citation): void {
    const item = this.#message()
    this.#queue.write(item, () => item.citation(citation))
  }

  reasoning(text: string): void {
    if (text === '') return
    const item = this.#reasoning()
    this.#queue.write(item, () => item.text(text))
  }

  /** The proof of the reasoning that is open, or of a text: then it stands behind the text, in an item of its own. */
  proof(proof: ReasoningProof, of: 'reasoning' | 'text'): void {
    if (of === 'text') this.#close()
    this.#seal(proof, undefined)
  }

  endPart(): void {
    if (this.#tail?.kind === 'message') {
      const { item } = this.#tail
      this.#queue.write(item, () => item.endPart())
    } else this.#close()
  }

  call(
    call: number,
    { proof, ...told }: { id: string; name: string; isCustom: boolean; proof?: ReasoningProof | undefined },
  ): void {
    this.#close()
    const given = { ...told, id: uniqueCallId(told.id, this.#replyId) }
    // A call has no field for a signature: a reasoning item in front of it carries that.
    if (proof !== undefined) this.#seal(proof, given.id)
    const id = this.#newId(given.isCustom ? 'ctc' : 'fc')
    this.#calls.set(call, this.#add(openCall(this.#desk, id, given)))
  }

  callInput(call: number, piece: string): void {
    const item = this.#calls.get(call)
    if (item !== undefined) this.#queue.write(item, () => item.input(piece))
  }

  endCall(call: number): void {
    const item = this.#calls.get(call)
    if (item !== undefined) this.#queue.end(item)
  }

  part(part: Part): void {
    if (part.kind === 'native' && part.protocol === 'openai-responses') {
      this.#whole(fieldsOf(part.value))
    } else if (part.kind === 'image' && part.media.kind === 'base64') {
      this.#whole(imageItem(this.#newId('ig'), part.media))
    } else {
      this.text(textInstead(part), [])
      this.endPart()
    }
  }

  /** Ends what is open; the last item so. */
  finish(status: ItemStatus): void {
    this.#tail = undefined
    this.#queue.endAll(status)
  }

  #message(): OpenMessage {
    if (this.#tail?.kind === 'message') return this.#tail.item
    const item = this.#add(openMessage(this.#desk, this.#newId('msg')))
    this.#tail = { kind: 'message', item }
    return item
  }

  #reasoning(): OpenReasoning {
    if (this.#tail?.kind === 'reasoning') return this.#tail.item
    const item = this.#add(openReasoning(this.#desk, this.#newId(OWN_REASONING_ID)))
    this.#tail = { kind: 'reasoning', item }
    return item
  }

  // OpenAI refuses encrypted content under another id than its own, and an id that has been told cannot change.
  #seal(proof: ReasoningProof, callId: string | undefined): void {
    const isOwn = proof.family === 'openai' && callId === undefined
    const keepsId = isOwn && (proof.id === undefined || !this.#isTold)
    const encrypted = (keepsId ? proof.encrypted : undefined) ?? carry(proof, callId)
    const item = this.#reasoning()
    this.#queue.write(item, () => item.seal(encrypted, keepsId ? proof.id : undefined))
    this.#close()
  }

  #whole(value: Record<string, unknown>): void {
    this.#queue.end(this.#add(wholeItem(this.#desk, value)))
  }

  #add<Item extends OpenItem>(item: Item): Item {
    this.#close()
    this.#queue.add(item)
    return item
  }

  #close(): void {
    if (this.#tail !== undefined) this.#queue.end(this.#tail.item)
    this.#tail = undefined
  }

  #newId(prefix: string): string {
    return `${prefix}_${this.#replyId}_${this.#items++}`
  }
}

function imageItem(id: string, { base64, mediaType }: { base64: string; mediaType: string }) {
  const format = mediaType.replace('image/', '')
  return {
    id,
    type: 'image_generation_call',
    status: 'completed',
    output_format: format,
    result: base64,
  }
}

/** An answer here holds texts and generated images only; what another provider's own tools did has no words here. */
function textInstead(part: Part): string {
  if (part.kind === 'image' && part.media.kind === 'url') return `![](${part.media.url})`
  if (part.kind === 'file' && part.media.kind === 'url') return `[${part.name ?? 'file'}](${part.media.url})`
  return part.kind === 'audio' ? (part.transcript ?? '') : ''
}
