import { isObject, textOf } from '../fields'
import type { Part, ReasoningProof } from '../parts'
import { invalidField } from '../untranslatable'
import type { CallIds } from './call-ids'
import { filePart, inlinePart } from './media'
import { EMPTY_THOUGHT, proofOf } from './proof'
import { camelFields, listAt, objectAt, textAt } from './spelling'

/** Fields that are read here; any other one of a part is kept as an extra. */
const READ = new Set([
  'text',
  'thought',
  'thoughtSignature',
  'inlineData',
  'fileData',
  'functionCall',
  'functionResponse',
])
/** What Google's own tools wrote. */
const NATIVE = ['executableCode', 'codeExecutionResult', 'toolCall', 'toolResponse'] as const

/** The parts of a content, in a request at its path, or in a reply; `ids` knows the calls before them. */
export function decodeParts(value: unknown, at: string, ids: CallIds): Part[] {
  const parts = value === undefined || value === null ? [] : listAt(value, at)
  return joinedThoughts(parts.map((part, index) => decodePart(part, `${at}[${index}]`, ids)))
}

function decodePart(value: unknown, at: string, ids: CallIds): Part {
  const fields = objectAt(value, at)
  const native = NATIVE.find((type) => fields[type] !== undefined)
  if (native !== undefined) return { kind: 'native', type: native, protocol: 'gemini', value, at }
  const extras = Object.entries(fields).filter(([name]) => !READ.has(name))
  const part = contentOf(fields, at, ids)
  if (part === undefined) {
    const [type] = extras[0] ?? ['part']
    return { kind: 'native', type, protocol: 'gemini', value, at }
  }
  return extras.length === 0
    ? { ...part, at }
    : { ...part, at, extras: { protocol: 'gemini', fields: Object.fromEntries(extras), at } }
}

function contentOf(fields: Record<string, unknown>, at: string, ids: CallIds): Part | undefined {
  const { text, thought, thoughtSignature, inlineData, fileData, functionCall, functionResponse } = fields
  const proof = proofOf(thoughtSignature)
  if (functionCall !== undefined) return { ...callOf(functionCall, `${at}.functionCall`, ids), proof }
  if (functionResponse !== undefined) return resultOf(functionResponse, `${at}.functionResponse`, ids)
  if (inlineData !== undefined) {
    const blob = objectAt(inlineData, `${at}.inlineData`)
    textAt(blob.data, `${at}.inlineData.data`)
    return inlinePart(blob)
  }
  if (fileData !== undefined) {
    const file = objectAt(fileData, `${at}.fileData`)
    textAt(file.fileUri, `${at}.fileData.fileUri`)
    return filePart(file)
  }
  if (text === undefined && proof === undefined) return undefined
  const written = text === undefined ? '' : textAt(text, `${at}.text`)
  return thought === true
    ? { kind: 'reasoning', text: isKeptBack(written, proof) ? '' : written, isSummary: true, proof }
    : { kind: 'text', text: written, proof }
}

function isKeptBack(text: string, proof: ReasoningProof | undefined): boolean {
  return text === EMPTY_THOUGHT && proof !== undefined && proof.family !== 'gemini'
}

function callOf(value: unknown, at: string, ids: CallIds): Extract<Part, { kind: 'tool_call' }> {
  const { id, name, args } = objectAt(value, at)
  const called = textAt(name, `${at}.name`)
  if (args !== undefined && !isObject(args))
    throw invalidField(`${at}.args`, `Invalid value at '${at}.args': expected an object.`)
  const argumentsJson = JSON.stringify(args ?? {})
  return { kind: 'tool_call', id: ids.of(textOf(id), called), name: called, argumentsJson }
}

function resultOf(value: unknown, at: string, ids: CallIds): Part {
  const { id, name, response, parts, ...others } = objectAt(value, at)
  const called = textAt(name, `${at}.name`)
  const callId = ids.answered(textOf(id), called)
  if (callId === undefined)
    throw invalidField(`${at}.name`, `No functionCall named '${called}' stands before this functionResponse.`)
  if (response !== undefined && !isObject(response))
    throw invalidField(`${at}.response`, `Invalid value at '${at}.response': expected an object.`)
  const media = parts === undefined ? [] : listAt(parts, `${at}.parts`)
  const extras = { protocol: 'gemini', fields: others, at } as const
  return {
    kind: 'tool_result',
    callId,
    name: called,
    ...outcomeOf(
      response ?? {},
      media.map((part, index) => mediumOf(part, `${at}.parts[${index}]`)),
    ),
    ...(Object.keys(others).length === 0 ? {} : { extras }),
  }
}

// `output` and `error` are Google's names for what a function says; any other object is its result as it is.
function outcomeOf(response: Record<string, unknown>, media: Part[]) {
  const [name, ...others] = Object.keys(response)
  const isWrapped = others.length === 0 && (name === 'output' || name === 'error')
  const said = isWrapped ? response[name ?? ''] : response
  const text = typeof said === 'string' ? said : JSON.stringify(said)
  const parts: Part[] = [{ kind: 'text', text }, ...media]
  return isWrapped && name === 'error' ? { parts, isError: true } : { parts }
}

function mediumOf(value: unknown, at: string): Part {
  const { inlineData, fileData } = camelFields(value)
  if (isObject(inlineData)) return { ...inlinePart(inlineData), at }
  if (isObject(fileData)) return { ...filePart(fileData), at }
  throw invalidField(at, `Invalid value at '${at}': expected inlineData or fileData.`)
}

/**
 * A stream of ours tells a thought in pieces, and the proof of another family over all of them at last; clients bring
 * the pieces back as they came. Gemini's own signatures stay with the part that they came with.
 */
export function joinedThoughts(parts: readonly Part[]): Part[] {
  const joined: Part[] = []
  for (const part of parts) {
    const isForeign = part.kind === 'reasoning' && part.proof !== undefined && part.proof.family !== 'gemini'
    let text = ''
    while (isForeign) {
      const before = joined.at(-1)
      if (before?.kind !== 'reasoning' || before.proof !== undefined) break
      text = before.text + text
      joined.pop()
    }
    joined.push(isForeign ? { ...part, text: text + part.text } : part)
  }
  return joined
}
