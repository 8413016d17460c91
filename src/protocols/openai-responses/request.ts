import type { JsonKind, Member } from '../../platform/json-scan'
import type { RequestFacts } from '../protocol'
import { modelAndStream, wrongKind } from '../raw-fields'
import { invalidField } from '../untranslatable'
import { missing } from './read-fields'

/**
 * The JSON kinds of the request's own fields (OpenAI API reference, "Create a model response"); null stands for an
 * absent value everywhere. A field that is not listed is the provider's business and passes.
 */
const FIELD_KINDS: ReadonlyMap<string, readonly JsonKind[]> = new Map<string, readonly JsonKind[]>([
  ['model', ['string']],
  ['input', ['string', 'array']],
  ['instructions', ['string', 'array']],
  ['stream', ['boolean']],
  ['stream_options', ['object']],
  ['tools', ['array']],
  ['tool_choice', ['string', 'object']],
  ['parallel_tool_calls', ['boolean']],
  ['temperature', ['number']],
  ['top_p', ['number']],
  ['max_output_tokens', ['number']],
  ['max_tool_calls', ['number']],
  ['top_logprobs', ['number']],
  ['text', ['object']],
  ['reasoning', ['object']],
  ['include', ['array']],
  ['store', ['boolean']],
  ['background', ['boolean']],
  ['previous_response_id', ['string']],
  ['conversation', ['string', 'object']],
  ['prompt', ['object']],
])
/** One of them must say what is to be answered. */
const SUBJECTS = ['input', 'prompt', 'previous_response_id', 'conversation']
const EMPTY_LIST = /^\[\s*\]$/
const decoder = new TextDecoder()

/** Checks what the gateway relies on, and leaves the rest to the provider. */
export function readResponsesRequest(bytes: Uint8Array, members: readonly Member[]): RequestFacts {
  const given = new Map(members.filter(({ kind }) => kind !== 'null').map((member) => [member.key, member]))
  for (const member of given.values()) checkKind(member)
  const subjects = SUBJECTS.filter((name) => given.has(name))
  if (subjects.length === 0) throw missing('input')
  const input = given.get('input')
  if (input !== undefined && subjects.length === 1) checkInput(bytes, input)
  return { ...modelAndStream(bytes, given), wantsStreamUsage: true }
}

function checkKind(member: Member): void {
  const kinds = FIELD_KINDS.get(member.key)
  if (kinds !== undefined && !kinds.includes(member.kind)) throw wrongKind(member, kinds)
}

function checkInput(bytes: Uint8Array, { kind, valueStart, valueEnd }: Member): void {
  // Nobody writes an empty list in more bytes than these.
  if (kind !== 'array' || valueEnd - valueStart > 64) return
  if (!EMPTY_LIST.test(decoder.decode(bytes.subarray(valueStart, valueEnd)))) return
  throw invalidField('input', "Invalid 'input': the array is empty. Give at least one item.", 'empty_array')
}
