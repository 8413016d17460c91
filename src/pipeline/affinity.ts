import { SluiceError } from '../platform/failure'
import { valueOf } from '../platform/json-scan'
import type { Target } from '../providers/target'
import type { Intake } from './intake'
import { originOf, rememberOrigin } from './origins'
import type { Known } from './record'
import type { Ending, Exchange } from './stages'

/** The only protocol whose answers providers keep, to be gone on from by their id. */
const KEEPING = 'openai-responses'
const PREVIOUS = 'previous_response_id'

/**
 * The targets that can go on from the response that a request names: those of the provider that keeps it. A response
 * whose origin is not known leaves the plan as it is, and the provider tells.
 * @throws SluiceError `invalid_request` when no target is at that provider
 */
export async function targetsWithOrigin(
  { protocol, env }: Pick<Exchange, 'protocol' | 'env'>,
  intake: Pick<Intake, 'bytes' | 'members' | 'model'>,
  planned: readonly Target[],
): Promise<readonly Target[]> {
  if (protocol.id !== KEEPING) return planned
  const previous = fieldOf(intake, PREVIOUS)
  if (typeof previous !== 'string') return planned
  const origin = await originOf(env, previous)
  if (origin === undefined) return planned
  const there = planned.filter(({ providerId }) => providerId === origin.providerId)
  if (there.length > 0) return there
  const model = intake.model ?? planned[0]?.model ?? ''
  throw new SluiceError({
    kind: 'invalid_request',
    param: PREVIOUS,
    code: 'response_elsewhere',
    message: `The response '${previous}' is kept at the provider '${origin.providerId}', and '${model}' is at '${planned[0]?.providerId ?? ''}'. Name a model of '${origin.providerId}', or send the conversation itself in 'input'.`,
  })
}

/** Remembers, behind the answer, where a response is kept; nothing to do for one that nobody keeps. */
export function rememberAnswer(
  { protocol, env, background }: Pick<Exchange, 'protocol' | 'env' | 'background'>,
  { intake }: Known,
  { target, facts }: Ending,
): void {
  const id = facts?.responseId
  if (protocol.id !== KEEPING || intake === undefined || target === undefined || id === undefined) return
  // A translated answer is kept by nobody.
  if (target.protocol !== protocol.speaks || fieldOf(intake, 'store') === false) return
  background(rememberOrigin(env, id, { providerId: target.providerId, model: target.model }))
}

function fieldOf({ bytes, members }: Pick<Intake, 'bytes' | 'members'>, name: string): unknown {
  const member = members.find(({ key }) => key === name)
  return member === undefined ? undefined : valueOf(bytes, member)
}
