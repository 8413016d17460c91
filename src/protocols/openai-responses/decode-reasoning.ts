import { carried } from '../carried'
import { fieldsOf, isObject, textOf } from '../fields'
import type { Part, ReasoningProof } from '../parts'
import { type FieldReader, pathOf, readerOf } from './read-fields'

/** Between the parts of a summary, each of which is a paragraph with a heading. */
export const PARAGRAPH = '\n\n'

/** Begins the ids of reasoning items that are written here; the provider knows nothing of them. */
export const OWN_REASONING_ID = 'rs_sluice'

/** Proofs of other families that reasoning items carried, and where they belong. */
export interface Restored {
  /** By the id of the call that was signed. */
  ofCalls: ReadonlyMap<string, ReasoningProof>
  /** By the message whose text was signed, or by the reasoning item itself when its proof stands elsewhere. */
  ofTexts: ReadonlyMap<object, ReasoningProof | undefined>
}

/**
 * Gemini signs calls and texts, for which this protocol has no field: the signature travels in a reasoning item of
 * its own, before the call or behind the message, and is put back here.
 */
export function restoredProofs(input: readonly unknown[]): Restored {
  const ofCalls = new Map<string, ReasoningProof>()
  const ofTexts = new Map<object, ReasoningProof | undefined>()
  let message: object | undefined
  for (const value of input) {
    if (!isObject(value)) continue
    const opened = carriedIn(value)
    if (opened?.callId !== undefined) {
      ofCalls.set(opened.callId, opened.proof)
      ofTexts.set(value, undefined)
    } else if (opened?.proof.family === 'gemini' && message !== undefined && textsOf(value) === '') {
      ofTexts.set(message, opened.proof)
      ofTexts.set(value, undefined)
    }
    message = isAssistantMessage(value) ? value : undefined
  }
  return { ofCalls, ofTexts }
}

/** A reasoning item: what it shows, each way apart, and the proof with the last of it; none when its proof stands elsewhere. */
export function decodeReasoning(fields: FieldReader, restored: Restored['ofTexts']): Part[] {
  const id = fields.value('id')
  const encrypted = fields.text('encrypted_content')
  const summary = textsAt(fields, 'summary')
  const content = textsAt(fields, 'content')
  const opened = encrypted === undefined ? undefined : carried(encrypted)
  const own: ReasoningProof = { family: 'openai', encrypted, id: textOf(id) }
  // What is stored under an id may be looked up by it.
  const isProven = encrypted !== undefined || own.id?.startsWith(OWN_REASONING_ID) === false
  const proof = opened?.proof ?? (isProven ? own : undefined)
  const isElsewhere = opened !== undefined && restored.has(fields.source)
  return isElsewhere ? [] : reasoningParts(summary, content, proof)
}

/** The parts of what a reasoning item shows: the summary, the reasoning itself, or both. */
export function reasoningParts(summary: string, content: string, proof: ReasoningProof | undefined): Part[] {
  if (content === '') {
    const isEmpty = summary === '' && proof === undefined
    const isSummary = summary === '' ? undefined : true
    return isEmpty ? [] : [{ kind: 'reasoning', text: summary, isSummary, proof }]
  }
  const whole: Part = { kind: 'reasoning', text: content, proof }
  return summary === '' ? [whole] : [{ kind: 'reasoning', text: summary, isSummary: true }, whole]
}

function textsAt(fields: FieldReader, name: string): string {
  const at = pathOf(fields.at, name)
  const parts = fields.list(name) ?? []
  return parts
    .map((part, index) => readerOf(part, `${at}[${index}]`).requiredText('text'))
    .join(name === 'summary' ? PARAGRAPH : '')
}

function carriedIn(item: Record<string, unknown>) {
  const encrypted = item.type === 'reasoning' ? textOf(item.encrypted_content) : undefined
  return encrypted === undefined ? undefined : carried(encrypted)
}

function textsOf({ summary, content }: Record<string, unknown>): string {
  const parts = [summary, content].flatMap((list): unknown[] => (Array.isArray(list) ? list : []))
  return parts.map((part) => textOf(fieldsOf(part).text) ?? '').join('')
}

function isAssistantMessage({ type, role }: Record<string, unknown>): boolean {
  return role === 'assistant' && (type === undefined || type === 'message')
}
