import type { Caller } from '../keys/authenticate'
import {
  type AppliedLimits,
  appliedLimits,
  indexLimits,
  type LimitIndex,
  ORGANIZATION,
  type PolicyFor,
  policiesOf,
} from '../limits/applied-limits'
import { limitsOfKey } from '../limits/inline'
import type { Policy } from '../limits/policy'
import { refusalOf } from '../limits/refusal'
import { type CountedLimit, type Outcome, reserve } from '../limits/reserve'
import type { Config } from '../platform/config'
import type { InlineLimit } from '../platform/config-schema'
import { numberVariable } from '../platform/env'
import { SluiceError } from '../platform/failure'
import type { TokenEstimate } from '../protocols/token-estimate'
import type { Target } from '../providers/target'
import { surroundingsOf, withCanonicalSubject } from '../routing/surroundings'
import { customerLimits, noteCustomer } from './customers'
import { customerOf, type GatewayParameters } from './gateway-parameters'
import type { Isolate } from './isolate'
import { DEFAULT_LIMITS_TIMEOUT_MS, uncheckedPolicy, type WishFacts, wishOf } from './limit-wish'
import type { CountedLimits, Known } from './record'
import { tellCrossed } from './settle-limits'
import type { Exchange } from './stages'
import { pricedOnlyPolicy, unknownPrice } from './unpriced'

/** A hold outlives its request's longest possible time by this much before it counts as abandoned. */
const DEFAULT_LIMITS_GRACE_MS = 60_000

/** Whom a request's limits are about. */
export interface LimitedRequest {
  caller: Caller
  parameters: GatewayParameters
  /** The canonical name of the first target's model, where one is known. */
  model: string | undefined
}

/** A request that wants to be let in. */
export interface Reservation extends LimitedRequest {
  config: Config
  known: Known
  /** Whose prices count: all that may be called; none where nothing is paid. */
  targets: readonly Target[]
  /** Only asked for when there are limits; undefined where nobody can tell what a request takes. */
  estimate(): TokenEstimate | undefined
  /** The request's longest possible time. */
  longestMs: number
}

/**
 * Reserves what a request may take of each of its limits; not even a promise when it has none.
 * @throws SluiceError `limit_exceeded`, or `unavailable` when a limit cannot be checked
 */
export function reserveLimits(
  exchange: Exchange,
  isolate: Isolate,
  given: Reservation,
): Promise<void> | undefined {
  noteCustomer(exchange, given)
  const applied = limitsOf(exchange, given.config, given)
  if (applied.length === 0) return undefined
  const facts = wishOf(exchange, applied, given)
  return facts instanceof Promise
    ? facts.then((told) => reserveWish(exchange, isolate, { ...given, applied, facts: told }))
    : reserveWish(exchange, isolate, { ...given, applied, facts })
}

function reserveWish(
  exchange: Exchange,
  isolate: Isolate,
  given: Reservation & { applied: readonly AppliedLimits[]; facts: WishFacts },
): Promise<void> | undefined {
  const { effects } = exchange
  const { known, applied, facts } = given
  const nowMs = effects.now()
  const unchecked = uncheckedPolicy(applied, facts)
  if (unchecked !== undefined) throw cannotBeChecked(unchecked)
  const unpriced = barUnpriced(given)
  const reserving = askLedgers(exchange, isolate, given)
  if (!(reserving instanceof Promise) && reserving.kind === 'granted') {
    admitted(known, { outcome: reserving, facts, unpriced, nowMs })
    return undefined
  }
  return Promise.resolve(reserving).then((outcome) => {
    known.limitsMs = effects.now() - nowMs
    admitted(known, { outcome, facts, unpriced, nowMs })
  })
}

/** Reserves on these limits, by leases or at their ledgers. */
export function askLedgers(
  exchange: Exchange,
  isolate: Isolate,
  given: Pick<Reservation, 'known' | 'longestMs'> & { applied: readonly AppliedLimits[]; facts: WishFacts },
): Outcome | Promise<Outcome> {
  const { env, effects, background, logId } = exchange
  const { known, applied, facts } = given
  // Of what nobody can tell the price of nothing is given out by an isolate.
  const leases = facts.unpriced.length > 0 || facts.isPriceAway ? undefined : isolate.leases
  return reserve({
    ...{ env, applied, background, nowMs: effects.now() },
    ...(leases === undefined ? {} : { leases }),
    now: effects.now,
    crossed: (crossings) => tellCrossed(exchange, countedAt(known, applied), crossings),
    refusals: isolate.refusals,
    holdId: logId,
    wish: facts.wish,
    timeoutMs: numberVariable(env.LIMITS_TIMEOUT_MS, DEFAULT_LIMITS_TIMEOUT_MS),
    lifetimeMs: given.longestMs + numberVariable(env.LIMITS_GRACE_MS, DEFAULT_LIMITS_GRACE_MS),
  })
}

function countedAt({ limits }: Known, applied: readonly AppliedLimits[]): CountedLimit[] {
  const counted = limits?.counted ?? []
  return counted.filter(({ policy, subject }) =>
    applied.some((one) => one.scope === policy.scope && one.subject === subject),
  )
}

/**
 * Keeps a request from targets whose price nobody can tell, where a limit says so; the models of those that it may still
 * come to.
 * @throws SluiceError `unknown_price` when none is left
 */
function barUnpriced(
  given: Reservation & { applied: readonly AppliedLimits[]; facts: WishFacts },
): CountedLimits['unpriced'] {
  const { known, applied, facts, targets, model } = given
  const { unpriced } = facts
  if (unpriced.length === 0) return NO_MODELS
  const isAll = unpriced.length === targets.length
  const by = pricedOnlyPolicy(applied, given)
  if (by === undefined) return isAll ? 'all' : new Set(unpriced.map((target) => target.model))
  if (isAll) throw new SluiceError(unknownPrice(by, model))
  known.barred = { by, targets: new Set(unpriced) }
  return NO_MODELS
}

const NO_MODELS: ReadonlySet<string> = new Set()

function admitted(
  known: Known,
  given: { outcome: Outcome; facts: WishFacts; unpriced: CountedLimits['unpriced']; nowMs: number },
): void {
  const { outcome, facts, unpriced, nowMs } = given
  const { counted } = outcome
  const isOnCost = counted.some(({ policy }) => policy.metric === 'cost')
  known.limits = {
    isAllowed: outcome.kind === 'granted',
    counted,
    unpriced: isOnCost ? unpriced : NO_MODELS,
  }
  if (outcome.kind === 'refused') throw new SluiceError(refusalOf(outcome.by, nowMs))
  if (outcome.kind === 'unavailable') throw cannotBeChecked(outcome.policy)
  known.hold = outcome.hold
  if (facts.wish.output !== undefined) known.output = facts.wish.output
}

/** A limit lets nobody in while it cannot be asked. */
export function cannotBeChecked({ name }: Policy): SluiceError {
  const message = `The limit '${name}' cannot be checked right now. Send the request again in a moment.`
  return new SluiceError({ kind: 'unavailable', message, retryAfterSeconds: 1 })
}

/** The limits that a request is counted on, by subject. */
export function limitsOf(
  { env, effects }: Pick<Exchange, 'env' | 'effects'>,
  config: Config,
  request: LimitedRequest,
): AppliedLimits[] {
  const { caller, parameters, model } = request
  const index = indexOf(env, config)
  const customer = customerOf(parameters)
  const hasOwn = caller.limits !== undefined || customer !== undefined
  if (index.size === 0 && !hasOwn) return NONE
  const subjects = {
    organization: ORGANIZATION,
    api_key: caller.apiKeyId,
    ...(model === undefined ? {} : { model }),
    ...(customer === undefined ? {} : { customer }),
  }
  if (!hasOwn) return appliedLimits(index, subjects)
  const ofCustomer = customerLimits(config, { parameters, nowMs: effects.now() })
  return appliedLimits(index, subjects, [...policiesOfKey(caller), ...ofCustomer.flatMap(policiesOf)])
}

const NONE: AppliedLimits[] = []
const ofKeys = new WeakMap<readonly InlineLimit[], PolicyFor[]>()

/** Made once for each key that a snapshot holds. */
function policiesOfKey({ apiKeyId, apiKeyName, limits }: Caller): PolicyFor[] {
  if (limits === undefined) return []
  const known = ofKeys.get(limits)
  if (known !== undefined) return known
  const policies = limitsOfKey({ id: apiKeyId, name: apiKeyName, limits }).flatMap(policiesOf)
  ofKeys.set(limits, policies)
  return policies
}

const indexes = new WeakMap<Config, LimitIndex>()

/** The stored limits, with models by their own names; made once for each configuration. */
export function indexOf(env: Exchange['env'], config: Config): LimitIndex {
  const known = indexes.get(config)
  if (known !== undefined) return known
  const around = surroundingsOf(env, config)
  const rows = config.limits.map((limit) => withCanonicalSubject(limit, around))
  const index = indexLimits(rows.flatMap(policiesOf))
  indexes.set(config, index)
  return index
}
