import { valueOf } from '../platform/json-scan'
import type { PlanLuck } from '../routing/plan'
import { customerOf } from './gateway-parameters'
import type { Intake } from './intake'
import type { Isolate } from './isolate'
import type { Exchange } from './stages'

/** Fields of a body that tie a request to others like it, the strongest first. */
const PROMPT_CACHE_KEY = 'prompt_cache_key'
const USER = 'user'

/** The dice of a request, what ties it to a deployment, and this isolate's memory of those that failed. */
export function luckOf(
  { effects }: Pick<Exchange, 'effects'>,
  { health }: Pick<Isolate, 'health'>,
  intake: Intake,
): PlanLuck {
  return {
    roll: effects.roll,
    stickyKey: () => stickyKeyOf(intake),
    isCooling: (target) => health.isCooling(target, effects.now()),
  }
}

// Providers cache prompts by account and model: the same conversation should come to the same ones again.
function stickyKeyOf(intake: Intake): string | undefined {
  const { parameters } = intake
  return (
    fieldOf(intake, PROMPT_CACHE_KEY) ??
    parameters.thread_identifier ??
    fieldOf(intake, USER) ??
    customerOf(parameters)
  )
}

function fieldOf({ bytes, members }: Intake, name: string): string | undefined {
  const member = members.find(({ key }) => key === name)
  const value = member === undefined ? undefined : valueOf(bytes, member)
  return typeof value === 'string' && value !== '' ? value : undefined
}
