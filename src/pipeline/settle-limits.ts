import { ledgerName } from '../limits/applied-limits'
import { counterPrefix } from '../limits/policy'
import { type CountedLimit, type Hold, settle } from '../limits/reserve'
import type { Crossing, Taken } from '../limits/wish'
import type { LimitsCrossed } from '../logs/limits-crossed'
import { LIMITS_CROSSED_VERSION } from '../logs/message-versions'
import { limitInfoOf } from './limit-info'
import type { Known } from './record'
import type { Ending, Exchange } from './stages'
import { takenAtModel, takenBy } from './taken'

/**
 * Replaces what a request held of its limits by what it took. A limit that only the truth went beyond was not yet when
 * the log record said where it stood, so that it is told by a message of its own. Never rejects.
 */
export async function settleLimits(exchange: Exchange, known: Known, ending: Ending): Promise<void> {
  const { env, effects } = exchange
  const taken = await takenBy(exchange, known, ending)
  const settling = sharesOf(known, taken).map(async ({ hold, taken: share, counted }) => {
    const crossings = await settle({ env, now: effects.now }, hold, share)
    if (crossings !== undefined) await tellCrossed(exchange, counted, crossings)
  })
  await Promise.all(settling)
}

/** A part of what a request holds, what it took there, and the limits that this is about. */
interface Share {
  hold: Hold
  taken: Taken
  counted: readonly CountedLimit[]
}

/** One for all limits; where the request could come to other models, one for each of these, too. */
function sharesOf(known: Known, taken: Taken): Share[] {
  const { hold, models, limits, output } = known
  const counted = limits?.counted ?? []
  if (models === undefined) return hold === undefined ? [] : [{ hold, taken, counted }]
  const ofModel = (part: Hold, model: string, series: string | undefined): Share => ({
    hold: part,
    taken: takenAtModel(known, taken, { model, series }),
    counted: counted.filter(({ policy, subject }) => policy.scope === 'model' && subject === model),
  })
  const later = models.holds.map((one) => ofModel(one.hold, one.model, one.output?.series))
  if (hold === undefined || models.first === undefined) return later
  const ledger = ledgerName('model', models.first)
  const others = counted.filter(({ policy }) => policy.scope !== 'model')
  return [
    { hold: partOf(hold, (name) => name !== ledger), taken, counted: others },
    ofModel(
      partOf(hold, (name) => name === ledger),
      models.first,
      output?.series,
    ),
    ...later,
  ]
}

function partOf({ holdId, ledgers, draws }: Hold, isPart: (ledger: string) => boolean): Hold {
  return { holdId, ledgers: ledgers.filter(isPart), draws: draws.filter(({ lease }) => isPart(lease.ledger)) }
}

/** Tells of limits, among those that a request was counted on, that were passed after it was let in. Never rejects. */
export async function tellCrossed(
  { env, logId: id, startedAtMs }: Exchange,
  among: readonly CountedLimit[],
  crossings: readonly Crossing[],
): Promise<void> {
  if (crossings.length === 0) return
  const counted = among.flatMap((limit) => crossed(limit, crossings))
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
