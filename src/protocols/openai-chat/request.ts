import { SluiceError } from '../../platform/failure'
import { type JsonKind, type Member, valueOf } from '../../platform/json-scan'
import type { RequestFacts } from '../protocol'
import { modelAndStream, wrongKind } from '../raw-fields'

/**
 * The JSON kinds of the request's own fields (OpenAI API reference, "Create chat completion"); null stands for an
 * absent value everywhere. A field that is not listed is the provider's business and passes.
 */
const FIELD_KINDS: ReadonlyMap<string, readonly JsonKind[]> = new Map<string, readonly JsonKind[]>([
  ['model', ['string']],
  ['messages', ['array']],
  ['stream', ['boolean']],
  ['stream_options', ['object']],
  ['tools', ['array']],
  ['tool_choice', ['string', 'object']],
  ['parallel_tool_calls', ['boolean']],
  ['temperature', ['number']],
  ['top_p', ['number']],
  ['n', ['number']],
  ['max_tokens', ['number']],
  ['max_completion_tokens', ['number']],
  ['stop', ['string', 'array']],
  ['presence_penalty', ['number']],
  ['frequency_penalty', ['number']],
  ['logprobs', ['boolean']],
  ['top_logprobs', ['number']],
  ['logit_bias', ['object']],
  ['response_format', ['object', 'string']],
  ['seed', ['number']],
  ['reasoning_effort', ['string']],
])

const SPACES = new Set([0x20, 0x09, 0x0a, 0x0d])
const OPEN_BRACE = 0x7b
const CLOSE_BRACKET = 0x5d

/** Checks what the gateway relies on, and leaves the rest to the provider. */
export function readChatRequest(bytes: Uint8Array, members: readonly Member[]): RequestFacts {
  const byKey = new Map(members.map((member) => [member.key, member]))
  for (const member of members) checkKind(member)
  checkMessages(bytes, byKey.get('messages'))
  const options = byKey.get('stream_options')
  return {
    ...modelAndStream(bytes, byKey),
    wantsStreamUsage: options !== undefined && hasIncludeUsage(valueOf(bytes, options)),
  }
}

/** `stream_options` with `include_usage`, and whatever else the client put there. */
export function askForChatStreamUsage(
  bytes: Uint8Array,
  members: readonly Member[],
): { key: string; json: string } {
  const given = members.find((member) => member.key === 'stream_options')
  const options: unknown = given === undefined ? null : valueOf(bytes, given)
  const others = typeof options === 'object' ? options : null
  return { key: 'stream_options', json: JSON.stringify({ ...others, include_usage: true }) }
}

function checkKind(member: Member): void {
  const kinds = FIELD_KINDS.get(member.key)
  if (kinds === undefined || kinds.includes(member.kind) || member.kind === 'null') return
  throw wrongKind(member, kinds)
}

function checkMessages(bytes: Uint8Array, messages: Member | undefined): void {
  if (messages === undefined || messages.kind === 'null') {
    throw invalidMessages("Missing required parameter: 'messages'.", 'missing_required_parameter')
  }
  let first = messages.valueStart + 1
  while (SPACES.has(bytes[first] ?? 0)) first++
  if (bytes[first] === CLOSE_BRACKET) {
    throw invalidMessages("Invalid 'messages': the array is empty. Give at least one message.", 'empty_array')
  }
  if (bytes[first] !== OPEN_BRACE) {
    throw invalidMessages(
      "Invalid type for 'messages[0]': expected an object with a role and content.",
      'invalid_type',
    )
  }
}

function invalidMessages(message: string, code: string): SluiceError {
  return new SluiceError({ kind: 'invalid_request', param: 'messages', code, message })
}

function hasIncludeUsage(options: unknown): boolean {
  return (
    typeof options === 'object' &&
    options !== null &&
    'include_usage' in options &&
    options.include_usage === true
  )
}
