import type { ChatEvent } from '../answer'
import { fieldsOf, isObject, numberOf, textOf } from '../fields'
import type { ReasoningProof } from '../parts'
import { argumentsOf } from './assistant'
import { decodeThoughtSignature } from './reasoning-details'

interface Call {
  index: number | undefined
  id: string
  name: string
  isCustom: boolean
  proof: ReasoningProof | undefined
  /** Its number among the calls of the choice, once it has been told. */
  call: number | undefined
  /** Arguments that came before the name. */
  held: string
}

/** Tells the calls of one choice apart, however a server numbers them. */
export interface CallReader {
  /** One entry of a delta's `tool_calls`, or the older `function_call` in the form of one. */
  read(delta: unknown): ChatEvent[]
  /** The ends of all calls. */
  end(): ChatEvent[]
  readonly hasCalls: boolean
}

/** @param nextId an id for a call whose server gives none, unique in the answer */
export function callReader(choice: number, nextId: () => string): CallReader {
  const calls: Call[] = []
  let told = 0
  const tell = (known: Call): ChatEvent[] => {
    const { id, name, isCustom, proof, held } = known
    const call = told++
    known.call = call
    known.held = ''
    return [
      {
        kind: 'tool_call',
        choice,
        call,
        id: id === '' ? nextId() : id,
        name,
        ...(isCustom ? { isCustom } : {}),
        ...(proof === undefined ? {} : { proof }),
      },
      ...piece(call, held),
    ]
  }
  const piece = (call: number, json: string): ChatEvent[] =>
    json === '' ? [] : [{ kind: 'tool_arguments', choice, call, json }]
  return {
    read(value) {
      const delta = deltaOf(value)
      let known = callOf(calls, delta)
      if (known === undefined) {
        known = {
          index: delta.index,
          id: '',
          name: '',
          isCustom: false,
          proof: undefined,
          call: undefined,
          held: '',
        }
        calls.push(known)
      }
      if (known.call !== undefined) return piece(known.call, delta.json)
      if (known.id === '') known.id = delta.id
      // A name may come in pieces, or be repeated with each of them.
      if (known.name !== delta.name) known.name += delta.name
      known.isCustom ||= delta.isCustom
      known.proof ??= delta.proof
      known.held += delta.json
      const isNamed = known.name !== '' && (known.held !== '' || known.id !== '' || delta.name === '')
      return isNamed ? tell(known) : []
    },
    end: () => [
      ...calls.filter(({ call, name }) => call === undefined && name !== '').flatMap(tell),
      ...calls.flatMap(({ call }) =>
        call === undefined ? [] : [{ kind: 'tool_call_end', choice, call } as const],
      ),
    ],
    get hasCalls() {
      return calls.length > 0
    },
  }
}

interface Delta {
  index: number | undefined
  id: string
  name: string
  json: string
  isCustom: boolean
  proof: ReasoningProof | undefined
}

function deltaOf(value: unknown): Delta {
  const call = fieldsOf(value)
  const isCustom = isObject(call.custom)
  const { name, arguments: json, input } = fieldsOf(isCustom ? call.custom : call.function)
  return {
    index: numberOf(call.index),
    id: textOf(call.id) ?? '',
    name: textOf(name) ?? '',
    json: argumentsOf(isCustom ? input : json),
    isCustom,
    proof: decodeThoughtSignature(call.extra_content),
  }
}

// A new call has a new id and a name: some servers number all of theirs 0, some do not number them, and some
// repeat id and name with every piece.
function callOf(calls: readonly Call[], { index, id, name }: Delta): Call | undefined {
  const known =
    calls.findLast((call) => id !== '' && call.id === id) ??
    (index === undefined ? calls.at(-1) : calls.findLast((call) => call.index === index))
  const isNew = id !== '' && name !== '' && known !== undefined && known.id !== '' && known.id !== id
  const isUnnumbered = index === undefined && id === '' && name !== '' && known?.call !== undefined
  return isNew || isUnnumbered ? undefined : known
}
