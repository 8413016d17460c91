import type { AppliedLimits } from './applied-limits'
import type { KnownRefusals } from './known-refusals'
import { renewed, settleDraw, untilHeard } from './lease-messages'
import type { Draw, Leases } from './leases'
import type { Ledger } from './ledger'
import type { Policy } from './policy'
import {
  amountsOf,
  type Crossing,
  NOTHING_TAKEN,
  type ReserveCall,
  type ReserveReply,
  type Standing,
  type Taken,
  type Wish,
} from './wish'

/** The bindings that limits need beside the platform's. */
export interface LimitsEnv {
  LEDGER: DurableObjectNamespace<Ledger>
  /** Against floods; only where it is configured. */
  KEY_SHIELD?: RateLimit
  /** `off` for isolates that hold no budget of their own. */
  LIMIT_LEASES?: string
}

/** What a request holds until it has ended. */
export interface Hold {
  holdId: string
  /** Those that have it reserved. */
  ledgers: readonly string[]
  /** What it drew from leases instead. */
  draws: readonly Draw[]
}

/** A policy that a request was counted on, and where it stood. */
export interface CountedLimit {
  policy: Policy
  subject: string
  standing: Standing
}

/** A request's wish to be let in. */
export interface Admission {
  env: LimitsEnv
  applied: readonly AppliedLimits[]
  refusals: KnownRefusals
  /** Absent where every request asks the ledgers itself. */
  leases?: Leases
  holdId: string
  wish: Wish
  /** How long a ledger may take to answer. */
  timeoutMs: number
  lifetimeMs: number
  nowMs: number
  /** The clock itself, for what is done later. */
  now(): number
  background(work: Promise<unknown>): void
  /** Is told of counts that went beyond their values by what a lease told at its end. */
  crossed(crossings: readonly Crossing[]): Promise<void>
}

/** Whether a request is let in, with all that was found out about its limits. */
export type Outcome =
  | { kind: 'granted'; hold: Hold; counted: CountedLimit[] }
  | { kind: 'refused'; by: CountedLimit; counted: CountedLimit[] }
  /** A ledger cannot be asked, and this policy lets nobody in unchecked. */
  | { kind: 'unavailable'; policy: Policy; counted: CountedLimit[] }

/**
 * Reserves on every limit that applies. Where there are leases for all of them it is done at once; else each of the
 * others' ledgers is called, all side by side. When one refuses, the others get back what they gave, behind the answer.
 */
export function reserve(admission: Admission): Outcome | Promise<Outcome> {
  const remembered = knownRefusal(admission)
  if (remembered !== undefined) return { kind: 'refused', by: remembered, counted: [remembered] }
  const { applied, leases, holdId } = admission
  if (leases === undefined) return reserveAt(admission, applied.map(undrawn))
  const places = applied.map((one) => ({ applied: one, draw: leases.draw(one, admission) }))
  const draws = drawsOf(places)
  if (draws.length < places.length) return reserveAt(admission, places)
  return { kind: 'granted', hold: { holdId, ledgers: [], draws }, counted: places.flatMap(countedOf) }
}

async function reserveAt(admission: Admission, places: readonly Place[]): Promise<Outcome> {
  const answers = await askAll(admission, places)
  const counted = answers.flatMap(countedOf)
  const refusing = answers.flatMap(refusalOf)
  const unchecked = answers.flatMap((answer) => (isChecked(answer) ? [] : answer.applied.policies))
  const missing = unchecked.find(({ onUnavailable }) => onUnavailable === 'closed')
  const hold = holdOf(admission, answers)
  const [first] = refusing
  if (first === undefined && missing === undefined) return { kind: 'granted', hold, counted }
  const back = settle(admission, hold, NOTHING_TAKEN)
  if (back !== undefined) admission.background(back)
  for (const { limit, ledger } of refusing) admission.refusals.remember(limit.policy, ledger, limit.standing)
  if (first !== undefined) return { kind: 'refused', by: refusing.reduce(laterOf, first).limit, counted }
  return missing === undefined
    ? { kind: 'granted', hold, counted }
    : { kind: 'unavailable', policy: missing, counted }
}

/**
 * Replaces what a request held by what it took, and tells which counts that took beyond their values; undefined when it
 * drew all of it from leases that go on, so that there is nothing to wait for. Never rejects: a hold that stays
 * unsettled expires by itself.
 */
export function settle(
  given: { env: LimitsEnv; now(): number },
  hold: Hold,
  taken: Taken,
): Promise<Crossing[]> | undefined {
  const { env } = given
  const waits = hold.ledgers.map((ledger) =>
    untilHeard(() => env.LEDGER.getByName(ledger).settle(hold.holdId, taken)),
  )
  for (const draw of hold.draws) {
    const told = settleDraw(given, draw, taken)
    if (told !== undefined) waits.push(told)
  }
  return waits.length > 0 ? Promise.all(waits).then((crossings) => crossings.flat()) : undefined
}

/** A subject, and what was drawn from its lease. */
interface Place {
  applied: AppliedLimits
  draw: Draw | undefined
}

/** What one subject's ledger said; nothing when it could not be asked, or did not have to be. */
interface Answer extends Place {
  reply?: ReserveReply | undefined
}

function undrawn(applied: AppliedLimits): Place {
  return { applied, draw: undefined }
}

function drawsOf(places: readonly Place[]): Draw[] {
  return places.flatMap(({ draw }) => draw ?? [])
}

/** A policy that is known to refuse whatever happens before its count starts anew. */
function knownRefusal({ applied, refusals, wish, nowMs }: Admission): CountedLimit | undefined {
  const least = amountsOf(wish, 0)
  for (const { ledger, subject, policies } of applied) {
    for (const policy of policies) {
      if (policy.action !== 'block') continue
      const standing = refusals.find(policy, ledger, { amount: least[policy.metric], nowMs })
      if (standing !== undefined) return { policy, subject, standing }
    }
  }
  return undefined
}

async function askAll(admission: Admission, places: readonly Place[]): Promise<Answer[]> {
  const late = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => late.resolve(undefined), admission.timeoutMs)
  const asked = places.map(async (place) => {
    if (place.draw !== undefined) return place
    return { ...place, reply: await askOne(admission, place.applied, late.promise) }
  })
  return await Promise.all(asked).finally(() => clearTimeout(timer))
}

async function askOne(
  admission: Admission,
  applied: AppliedLimits,
  late: Promise<undefined>,
): Promise<ReserveReply | undefined> {
  const { env, leases, holdId, wish, lifetimeMs, nowMs, now, background, crossed } = admission
  const call = { holdId, policies: applied.policies, wish, lifetimeMs }
  const renewal = leases?.renewal(applied, admission)
  if (renewal === undefined) {
    const reply = await Promise.race([ask(admission, applied.ledger, call), late])
    leases?.note(applied, reply, nowMs)
    return reply
  }
  const unsure = () => {
    renewal.isUnsure = true
  }
  const asking = ask(admission, applied.ledger, { ...call, lease: renewal.call }, unsure)
  const answered = Promise.race([asking, late])
  // Also when the client leaves meanwhile: what may have been granted must be given back.
  background(answered.then((reply) => renewed({ env, now }, renewal, reply)).then(crossed))
  const reply = await answered
  leases?.note(applied, reply, nowMs)
  return reply
}

async function ask(
  { env }: Admission,
  ledger: string,
  call: ReserveCall,
  unsure?: () => void,
): Promise<ReserveReply | undefined> {
  try {
    return await env.LEDGER.getByName(ledger).reserve(call)
  } catch (cause) {
    if (!isWorthAnother(cause)) return undefined
  }
  unsure?.()
  // The reply may have been lost after all was reserved; the same hold is not counted twice.
  return await env.LEDGER.getByName(ledger)
    .reserve(call)
    .catch(() => undefined)
}

/** An object that moves or restarts says so; one that is overloaded must not be asked more. */
function isWorthAnother(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false
  return Reflect.get(cause, 'retryable') === true && Reflect.get(cause, 'overloaded') !== true
}

function isChecked({ draw, reply }: Answer): boolean {
  return draw !== undefined || (reply !== undefined && reply.kind !== 'closed')
}

function countedOf(answer: Answer): CountedLimit[] {
  const { policies, subject } = answer.applied
  return standingsOf(answer).flatMap((standing, index) => {
    const policy = policies[index]
    return policy === undefined ? [] : [{ policy, subject, standing }]
  })
}

function standingsOf({ draw, reply }: Answer): readonly Standing[] {
  if (draw !== undefined) return draw.lease.standingsOf(draw.amounts)
  return reply === undefined || reply.kind === 'closed' ? [] : reply.standings
}

interface Refusing {
  limit: CountedLimit
  ledger: string
}

function refusalOf(answer: Answer): Refusing[] {
  const { reply, applied } = answer
  if (reply?.kind !== 'refused') return []
  return countedOf(answer)
    .filter(({ policy }) => policy.id === reply.policyId)
    .map((limit) => ({ limit, ledger: applied.ledger }))
}

/** All that may have given something: also a ledger whose answer did not come in time. */
function holdOf({ holdId }: Admission, answers: Answer[]): Hold {
  const giving = answers.filter(({ draw, reply }) => draw === undefined && reply?.kind !== 'refused')
  return { holdId, ledgers: giving.map(({ applied }) => applied.ledger), draws: drawsOf(answers) }
}

function laterOf(latest: Refusing, one: Refusing): Refusing {
  return endOf(one) > endOf(latest) ? one : latest
}

/** A place among those that run at once may be free at any moment. */
function endOf({ limit: { policy, standing } }: Refusing): number {
  if (policy.metric === 'concurrency') return 0
  return standing.resetsAtMs ?? Number.POSITIVE_INFINITY
}
