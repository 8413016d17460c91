import { entryOf, fieldsOf, isObject } from '../fields'
import type { Part } from '../parts'
import type { Message, Role } from '../request'
import { invalidField, untranslatable } from '../untranslatable'
import { decodeContent } from './decode-content'
import { decodeReasoning, type Restored, restoredProofs } from './decode-reasoning'
import { type FieldReader, missing, readerOf, wrongType } from './read-fields'

type Item = { part: Part; role: 'user' | 'assistant' }

/** What other items tell of one. */
interface Known extends Restored {
  /** The ids of calls of tools that only this protocol has; their outputs mean nothing without them. */
  natives: ReadonlySet<unknown>
}

const OUTPUT = /_output$|_response$/

/** The items of `input` as messages, in their order: calls are the assistant's, their outputs the user's. */
export function decodeInput(input: unknown): Message[] {
  if (input === undefined || input === null) return []
  if (typeof input === 'string') {
    return [{ role: 'user', parts: [{ kind: 'text', text: input, at: 'input' }], at: 'input' }]
  }
  if (!Array.isArray(input)) throw wrongType('input', 'a string or an array', input)
  const known = { ...restoredProofs(input), natives: nativeCalls(input) }
  return input.flatMap((value, index) => decodeItem(value, `input[${index}]`, known))
}

function decodeItem(value: unknown, at: string, known: Known): Message[] {
  const fields = readerOf(value, at)
  // Ids and states of items are the answer's that they come from.
  fields.skip('id', 'status')
  const type = fields.text('type') ?? 'message'
  if (type === 'message') return [decodeMessage(fields, value, known)]
  const refusal = entryOf(REFERENCES, type)
  if (refusal !== undefined) throw untranslatable(at, refusal)
  const isOfNative = OUTPUT.test(type) && known.natives.has(fields.value('call_id'))
  const decode = isOfNative ? undefined : entryOf(ITEMS, type)
  const items = decode === undefined ? [nativeItem(type, value)] : decode(fields, known)
  const extras = decode === undefined ? undefined : fields.extras()
  return items.map(({ part, role }) => ({ role, parts: [{ ...part, at, extras }], at }))
}

/** Without what these stand for, the answer would be to another conversation; only their own protocol can look it up. */
const REFERENCES: Readonly<Record<string, string>> = {
  item_reference:
    "This item refers to one that another provider stores, which this model's provider cannot look up. Send the items themselves: set 'store' to false.",
  compaction:
    "This item is a conversation encrypted by another provider, which this model's provider cannot read.",
}

const ITEMS: Readonly<Record<string, (fields: FieldReader, restored: Restored) => Item[]>> = {
  function_call: (fields, { ofCalls }) => [
    { role: 'assistant', part: callOf(fields, fields.requiredText('arguments'), ofCalls) },
  ],
  custom_tool_call: (fields, { ofCalls }) => [
    {
      role: 'assistant',
      part: { ...callOf(fields, fields.requiredText('input'), ofCalls), isCustom: true },
    },
  ],
  function_call_output: (fields) => [{ role: 'user', part: resultOf(fields) }],
  custom_tool_call_output: (fields) => [{ role: 'user', part: { ...resultOf(fields), isCustom: true } }],
  reasoning: (fields, { ofTexts }) =>
    decodeReasoning(fields, ofTexts).map((part) => ({ role: 'assistant', part })),
}

type Call = Extract<Part, { kind: 'tool_call' }>
type Result = Extract<Part, { kind: 'tool_result' }>

function nativeCalls(input: readonly unknown[]): ReadonlySet<unknown> {
  const calls = input.map(fieldsOf).filter(({ type = 'message', call_id: id }) => {
    return typeof type === 'string' && id !== undefined && !OUTPUT.test(type) && !Object.hasOwn(ITEMS, type)
  })
  return new Set(calls.map(({ call_id: id }) => id))
}

function callOf(fields: FieldReader, argumentsJson: string, proofs: Restored['ofCalls']): Call {
  const id = fields.requiredText('call_id')
  const name = fields.requiredText('name')
  return { kind: 'tool_call', id, name, argumentsJson, proof: proofs.get(id) }
}

function resultOf(fields: FieldReader): Result {
  const output = fields.value('output')
  return {
    kind: 'tool_result',
    callId: fields.requiredText('call_id'),
    parts: output === undefined ? [] : decodeContent(output, `${fields.at}.output`),
  }
}

// What a tool that the provider runs told is the user's turn where a client gives it, else the assistant's.
function nativeItem(type: string, value: unknown): Item {
  const role = OUTPUT.test(type) ? 'user' : 'assistant'
  return { role, part: { kind: 'native', type, protocol: 'openai-responses', value } }
}

const ROLES: Readonly<Record<string, Role>> = {
  user: 'user',
  assistant: 'assistant',
  system: 'system',
  developer: 'developer',
}

function decodeMessage(fields: FieldReader, value: unknown, { ofTexts }: Restored): Message {
  const { at } = fields
  const name = fields.requiredText('role')
  const role = entryOf(ROLES, name)
  if (role === undefined) {
    const known = Object.keys(ROLES).join("', '")
    throw invalidField(`${at}.role`, `Invalid value '${name}': expected one of '${known}'.`)
  }
  const content = fields.value('content')
  if (content === undefined) throw missing(`${at}.content`)
  const parts = decodeContent(content, `${at}.content`)
  const proof = isObject(value) ? ofTexts.get(value) : undefined
  return { role, parts: withProof(parts, proof), at, extras: fields.extras() }
}

function withProof(parts: readonly Part[], proof: Extract<Part, { kind: 'text' }>['proof']): Part[] {
  const last = parts.findLastIndex(({ kind }) => kind === 'text')
  return parts.map((part, index) =>
    part.kind === 'text' && index === last && proof !== undefined ? { ...part, proof } : part,
  )
}
