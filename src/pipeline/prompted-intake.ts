import { type Member, valueOf } from '../platform/json-scan'
import { isPromptModel, type PromptCall, promptCallOf, type promptShape } from '../prompts/prompt-call'
import { conversations } from '../protocols/conversation'
import type { Address, Protocol, RequestFacts } from '../protocols/protocol'
import { modelAndStream } from '../protocols/raw-fields'
import type { ReadParameters } from './gateway-parameters'

interface Body {
  bytes: Uint8Array
  members: readonly Member[]
  protocol: Protocol
  address: Address | undefined
}

const AT = 0x40
const NAMES: readonly (keyof typeof promptShape)[] = [
  ...(['prompt', 'prompt_id', 'prompt_variables', 'variables', 'is_custom_prompt'] as const),
]

/**
 * The stored prompt that a request calls, and what it gives for prompts without calling one; undefined for a request
 * that has nothing to do with prompts.
 * @throws SluiceError `invalid_request`
 */
export function calledPrompt(
  read: ReadParameters,
  body: Body,
): { promptCall?: PromptCall; ignored: string[] } | undefined {
  const model = promptModel(body)
  const given = NAMES.filter((name) => read.parameters[name] != null)
  if (model === undefined && given.length === 0) return undefined
  const { codec, speaks } = body.protocol
  const hasRoom = codec !== undefined && conversations[speaks] !== undefined
  const promptCall = hasRoom ? promptCallOf(read.parameters, model) : undefined
  if (promptCall !== undefined) return { promptCall, ignored: read.ignored }
  return { ignored: [...read.ignored, ...given] }
}

/** What is known of a request before its prompt is filled in. */
export function factsBefore(
  bytes: Uint8Array,
  members: readonly Member[],
  { protocol, address }: Pick<Body, 'protocol' | 'address'>,
): RequestFacts {
  if (!protocol.hasModelInBody)
    return { model: address?.model, stream: address?.stream === true, wantsStreamUsage: false }
  const byKey = new Map(members.map((member) => [member.key, member]))
  return { ...modelAndStream(bytes, byKey), wantsStreamUsage: false }
}

// The first byte of the name tells most models apart from prompts.
function promptModel({ bytes, members, protocol, address }: Body): string | undefined {
  if (!protocol.hasModelInBody) return isPromptModel(address?.model) ? address?.model : undefined
  const member = members.find(({ key }) => key === 'model')
  if (member?.kind !== 'string' || bytes[member.valueStart + 1] !== AT) return undefined
  const model = String(valueOf(bytes, member))
  return isPromptModel(model) ? model : undefined
}
