import { counterPrefix } from '../limits/policy'
import { type CountedLimit, type Hold, settle } from '../limits/reserve'
import type { Crossing } from '../limits/wish'
import type { LimitsCrossed } from '../logs/limits-crossed'
import { LIMITS_CROSSED_VERSION } from '../logs/message-versions'
import { limitInfoOf } from './limit-info'
import type { Known } from './record'
import type { Ending, Exchange } from './stages'
import { takenBy } from './taken'

/**
 * Replaces what a request held of its limits by what it took. A limit that only the truth went beyond was not yet when
 * the log record said where it stood, so that it is told by a message of its own. Never rejects.
 */
export async function settleLimits(
  exchange: Exchange,
  known: Known,
  given: { hold: Hold; ending: Ending },
): Promise<void> {
  const { env, effects } = exchange
  const taken = await takenBy(exchange, known, given.ending)
  const crossings = await settle({ env, now: effects.now }, given.hold, taken)
  if (crossings !== undefined) await tellCrossed(exchange, known, crossings)
}

/** Tells of limits of a request that were passed after it was let in. Never rejects. */
export async function tellCrossed(
  { env, logId: id, startedAtMs }: Exchange,
  known: Known,
  crossings: readonly Crossing[],
): Promise<void> {
  if (crossings.length === 0) return
  const counted = known.limits?.counted.flatMap((limit) => crossed(limit, crossings)) ?? []
  if (counted.length === 0) return
  const limitInfo = limitInfoOf({ isAllowed: true, counted, isPriceUnknown: false })
  const message: LimitsCrossed = {
    version: LIMITS_CROSSED_VERSION,
    kind: 'limits_crossed',
    ...{ id, startedAtMs, limitInfo },
  }
  // Should it be lost, the record of the next request tells that the limit is passed.
  await env.LOG_QUEUE.send(message, { contentType: 'v8' }).catch(() => undefined)
}

function crossed(limit: CountedLimit, crossings: readonly Crossing[]): CountedLimit[] {
  const prefix = counterPrefix(limit.policy)
  const found = crossings.find(({ counter }) => counter.startsWith(prefix))
  if (found === undefined) return []
  return [{ ...limit, standing: { ...limit.standing, used: found.used, reserved: 0, amount: 0 } }]
}
