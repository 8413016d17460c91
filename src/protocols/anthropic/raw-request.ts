import { SluiceError } from '../../platform/failure'
import type { JsonKind, Member } from '../../platform/json-scan'
import type { RequestFacts } from '../protocol'
import { modelAndStream, wantedKinds } from '../raw-fields'

/**
 * The JSON kinds of the request's own fields (Messages API reference, "Create a Message"); null stands for an absent
 * value. `max_tokens` may be absent, although the provider wants it: the gateway then adds its default. A field that
 * is not listed is the provider's business and passes.
 */
const FIELD_KINDS: ReadonlyMap<string, readonly JsonKind[]> = new Map<string, readonly JsonKind[]>([
  ['model', ['string']],
  ['messages', ['array']],
  ['system', ['string', 'array']],
  ['max_tokens', ['number']],
  ['stream', ['boolean']],
  ['tools', ['array']],
  ['tool_choice', ['object']],
  ['temperature', ['number']],
  ['top_p', ['number']],
  ['top_k', ['number']],
  ['stop_sequences', ['array']],
  ['thinking', ['object']],
  ['output_config', ['object']],
  ['output_format', ['object']],
  ['metadata', ['object']],
  ['service_tier', ['string']],
])

const SPACES = new Set([0x20, 0x09, 0x0a, 0x0d])
const OPEN_BRACE = 0x7b
const CLOSE_BRACKET = 0x5d

/** Checks what the gateway relies on, and leaves the rest to the provider. */
export function readMessagesRequest(bytes: Uint8Array, members: readonly Member[]): RequestFacts {
  const byKey = new Map(members.map((member) => [member.key, member]))
  for (const member of members) checkKind(member)
  checkMessages(bytes, byKey.get('messages'))
  return { ...modelAndStream(bytes, byKey), wantsStreamUsage: true }
}

function checkKind(member: Member): void {
  const kinds = FIELD_KINDS.get(member.key)
  if (kinds === undefined || kinds.includes(member.kind) || member.kind === 'null') return
  throw invalid(member.key, `Expected ${wantedKinds(kinds, member.kind)}.`, 'invalid_type')
}

function checkMessages(bytes: Uint8Array, messages: Member | undefined): void {
  if (messages === undefined || messages.kind === 'null') {
    throw invalid('messages', 'Field required.', 'missing_required_parameter')
  }
  let first = messages.valueStart + 1
  while (SPACES.has(bytes[first] ?? 0)) first++
  if (bytes[first] === CLOSE_BRACKET) {
    throw invalid('messages', 'At least one message is required.', 'empty_array')
  }
  if (bytes[first] !== OPEN_BRACE) {
    throw invalid('messages', 'The first one must be an object with a role and content.', 'invalid_type')
  }
}

function invalid(field: string, problem: string, code: string): SluiceError {
  return new SluiceError({ kind: 'invalid_request', param: field, code, message: `${field}: ${problem}` })
}
