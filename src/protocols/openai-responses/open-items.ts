import type { Citation } from '../parts'
import { encodeAnnotation } from './citations'

/** How an item ended: `incomplete` when the answer was cut in it. */
export type ItemStatus = 'completed' | 'incomplete'

/** Where items are written: what is told of them, and the output that grows. */
export interface Desk {
  emit(type: string, fields: Record<string, unknown>): void
  output: Record<string, unknown>[]
}

/** An item of the output while it is written. Nothing is told of it before `begin` or after `end`. */
export interface OpenItem {
  begin(): void
  end(status: ItemStatus): void
}

/** A message of texts and refusals, each of which is a part of its content. */
export interface OpenMessage extends OpenItem {
  text(delta: string, logprobs: readonly unknown[]): void
  refusal(delta: string): void
  citation(citation: Citation): void
  endPart(): void
}

interface TextPart {
  type: 'output_text'
  annotations: unknown[]
  logprobs: unknown[]
  text: string
}
type ContentPart = TextPart | { type: 'refusal'; refusal: string }

/** A message of the assistant. */
export function openMessage(desk: Desk, id: string): OpenMessage {
  const content: ContentPart[] = []
  const item = { id, type: 'message', status: 'in_progress', role: 'assistant', content }
  const told = tellerOf(desk, item)
  let open: ContentPart | undefined
  let waiting: Citation[] = []
  const place = () => ({ content_index: content.length - 1 })
  const add = (part: ContentPart) => {
    endPart()
    content.push(part)
    open = part
    told('response.content_part.added', { ...place(), part })
  }
  const annotate = (part: TextPart, citation: Citation) => {
    const annotation = encodeAnnotation(citation, part.text.length)
    const annotation_index = part.annotations.push(annotation) - 1
    told('response.output_text.annotation.added', { ...place(), annotation_index, annotation })
  }
  const endPart = () => {
    if (open === undefined) return
    if (open.type === 'refusal') told('response.refusal.done', { ...place(), refusal: open.refusal })
    else {
      for (const citation of waiting) annotate(open, citation)
      waiting = []
      told('response.output_text.done', { ...place(), text: open.text, logprobs: open.logprobs })
    }
    told('response.content_part.done', { ...place(), part: open })
    open = undefined
  }
  const textPart = (): TextPart => {
    if (open?.type === 'output_text') return open
    const part: TextPart = { type: 'output_text', annotations: [], logprobs: [], text: '' }
    add(part)
    return part
  }
  return {
    ...itemOf(desk, item, endPart),
    text(delta, logprobs) {
      const part = textPart()
      part.text += delta
      part.logprobs.push(...logprobs)
      told('response.output_text.delta', { ...place(), delta, logprobs })
    },
    refusal(delta) {
      const part = open?.type === 'refusal' ? open : { type: 'refusal' as const, refusal: '' }
      if (part !== open) add(part)
      part.refusal += delta
      told('response.refusal.delta', { ...place(), delta })
    },
    citation(citation) {
      const part = textPart()
      // One without a place is of the whole text, which may still come.
      if (citation.endIndex === undefined) waiting.push(citation)
      else annotate(part, citation)
    },
    endPart,
  }
}

/** Reasoning, told as a summary. */
export interface OpenReasoning extends OpenItem {
  text(delta: string): void
  /** `id` replaces the item's own where nobody has heard of that yet. */
  seal(encrypted: string, id: string | undefined): void
}

/**
 * A reasoning item. All that is shown goes into its summary, also reasoning that is none: clients show that (the AI
 * SDK and Codex read nothing else unasked), and those that read both fields would show it twice.
 */
export function openReasoning(desk: Desk, id: string): OpenReasoning {
  const summary: { type: 'summary_text'; text: string }[] = []
  const item: Record<string, unknown> = { id, type: 'reasoning', summary }
  const told = tellerOf(desk, item)
  const place = { summary_index: 0 }
  const endPart = () => {
    const [part] = summary
    if (part === undefined) return
    told('response.reasoning_summary_text.done', { ...place, text: part.text })
    told('response.reasoning_summary_part.done', { ...place, part })
  }
  return {
    ...itemOf(desk, item, endPart),
    text(delta) {
      const part = summary[0] ?? { type: 'summary_text', text: '' }
      if (summary.length === 0) {
        summary.push(part)
        told('response.reasoning_summary_part.added', { ...place, part })
      }
      part.text += delta
      told('response.reasoning_summary_text.delta', { ...place, delta })
    },
    seal(encrypted, newId) {
      item.encrypted_content = encrypted
      if (newId !== undefined) item.id = newId
    },
  }
}

/** A call of a function or of a custom tool. */
export interface OpenCall extends OpenItem {
  input(delta: string): void
}

/** A call: `arguments` are JSON for a function, and `input` is free text for a custom tool. */
export function openCall(
  desk: Desk,
  id: string,
  call: { id: string; name: string; isCustom: boolean },
): OpenCall {
  const field = call.isCustom ? 'input' : 'arguments'
  const type = call.isCustom ? 'custom_tool_call' : 'function_call'
  const event = `response.${type}_${field}`
  const item: Record<string, unknown> = { id, type, status: 'in_progress', call_id: call.id, name: call.name }
  item[field] = ''
  const told = tellerOf(desk, item)
  let text = ''
  const input = (delta: string) => {
    text += delta
    told(`${event}.delta`, { delta })
    item[field] = text
  }
  return {
    ...itemOf(desk, item, () => {
      if (text === '' && !call.isCustom) input('{}')
      told(`${event}.done`, { [field]: text, ...(call.isCustom ? {} : { name: call.name }) })
    }),
    input,
  }
}

/** An item that comes in one piece. */
export function wholeItem(desk: Desk, item: Record<string, unknown>): OpenItem {
  return itemOf(desk, item, () => {})
}

function itemOf(desk: Desk, item: Record<string, unknown>, beforeEnd: () => void): OpenItem {
  let index = 0
  return {
    begin() {
      index = desk.output.push(item) - 1
      desk.emit('response.output_item.added', { output_index: index, item })
    },
    end(status) {
      beforeEnd()
      if (item.status === 'in_progress') item.status = status
      desk.emit('response.output_item.done', { output_index: index, item })
    },
  }
}

function tellerOf(desk: Desk, item: Record<string, unknown>) {
  return (type: string, fields: Record<string, unknown>) =>
    desk.emit(type, { item_id: item.id, output_index: desk.output.indexOf(item), ...fields })
}
