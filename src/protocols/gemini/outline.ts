import { scanArray, scanObject, valueOf } from '../../platform/json-scan'
import { fieldsOf, listOf, textOf } from '../fields'
import { finishReasonOf } from './finish'

/** What the gateway must know of a response or an event; the content itself is left alone. */
export interface Outline {
  fields: Record<string, unknown>
  /** It stands in an array, as the elements of a stream and its error do. */
  isInArray: boolean
  candidates: { index: number; finishReason: string | undefined; hasContent: boolean }[]
  /** Why the prompt was refused before any candidate began. */
  blockReason: string | undefined
}

/** Up to this size the engine's own parser is quicker than looking for the few fields that matter. */
const SMALL_BYTES = 8 * 1024
const SIGNED_ONLY = new Set(['text', 'thought', 'thoughtSignature', 'thought_signature'])
const decoder = new TextDecoder()

/** Reads a GenerateContentResponse, a large one without building its content; throws when it is no JSON object. */
export function outlineOf(bytes: Uint8Array): Outline {
  const isLarge = bytes.byteLength > SMALL_BYTES
  const value: unknown = isLarge ? undefined : JSON.parse(decoder.decode(bytes))
  // A stream that was asked for without `alt=sse`, or its error, is an array.
  const fields = isLarge ? largeFields(bytes) : fieldsOf(Array.isArray(value) ? value[0] : value)
  return {
    fields,
    isInArray: Array.isArray(value),
    candidates: listOf(fields.candidates).map((candidate, position) =>
      outlined(fieldsOf(candidate), position),
    ),
    blockReason: textOf(fieldsOf(fields.promptFeedback).blockReason),
  }
}

function outlined(candidate: Record<string, unknown>, position: number) {
  const { index, content } = candidate
  return {
    index: typeof index === 'number' ? index : position,
    finishReason: finishReasonOf(candidate),
    hasContent: listOf(fieldsOf(content).parts).some((part) => isFilled(fieldsOf(part))),
  }
}

function isFilled(part: Record<string, unknown>): boolean {
  return textOf(part.text) !== undefined || Object.keys(part).some((name) => !SIGNED_ONLY.has(name))
}

/** Stands for a content that is too large to be empty. */
const UNREAD_CONTENT = { parts: [{ unread: true }] }

function largeFields(bytes: Uint8Array): Record<string, unknown> {
  return fieldsExcept(bytes, 'candidates', (candidates) =>
    scanArray(candidates).map(({ start, end }) =>
      fieldsExcept(candidates.subarray(start, end), 'content', () => UNREAD_CONTENT),
    ),
  )
}

function fieldsExcept(
  bytes: Uint8Array,
  except: string,
  read: (bytes: Uint8Array) => unknown,
): Record<string, unknown> {
  return Object.fromEntries(
    scanObject(bytes).map((member) => [
      member.key,
      member.key === except
        ? read(bytes.subarray(member.valueStart, member.valueEnd))
        : valueOf(bytes, member),
    ]),
  )
}
