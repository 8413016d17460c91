import type { AppliedLimits } from './applied-limits'
import type { KnownRefusals } from './known-refusals'
import type { Ledger } from './ledger'
import type { Policy } from './policy'
import {
  amountsOf,
  type Crossing,
  NOTHING_TAKEN,
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
}

/** What a request holds until it has ended. */
export interface Hold {
  holdId: string
  ledgers: readonly string[]
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
  holdId: string
  wish: Wish
  /** How long a ledger may take to answer. */
  timeoutMs: number
  lifetimeMs: number
  nowMs: number
  background(work: Promise<unknown>): void
}

/** Whether a request is let in, with all that was found out about its limits. */
export type Outcome =
  | { kind: 'granted'; hold: Hold; counted: CountedLimit[] }
  | { kind: 'refused'; by: CountedLimit; counted: CountedLimit[] }
  /** A ledger cannot be asked, and this policy lets nobody in unchecked. */
  | { kind: 'unavailable'; policy: Policy; counted: CountedLimit[] }

/**
 * Reserves on every limit that applies: one call to each subject's ledger, all side by side. When one refuses, the
 * others get back what they gave, behind the answer.
 */
export async function reserve(admission: Admission): Promise<Outcome> {
  const remembered = knownRefusal(admission)
  if (remembered !== undefined) return { kind: 'refused', by: remembered, counted: [remembered] }
  const answers = await askAll(admission)
  const counted = answers.flatMap(countedOf)
  const refusing = answers.flatMap(refusalOf)
  const unchecked = answers.flatMap(({ applied, reply }) => (isChecked(reply) ? [] : applied.policies))
  const missing = unchecked.find(({ onUnavailable }) => onUnavailable === 'closed')
  const hold = holdOf(admission, answers)
  const [first] = refusing
  if (first === undefined && missing === undefined) return { kind: 'granted', hold, counted }
  if (hold.ledgers.length > 0) admission.background(settle(admission.env, hold, NOTHING_TAKEN))
  for (const { limit, ledger } of refusing) admission.refusals.remember(limit.policy, ledger, limit.standing)
  if (first !== undefined) return { kind: 'refused', by: refusing.reduce(laterOf, first).limit, counted }
  return missing === undefined
    ? { kind: 'granted', hold, counted }
    : { kind: 'unavailable', policy: missing, counted }
}

/**
 * Replaces what a request held by what it took, and tells which counts that took beyond their values. Never rejects: a
 * hold that stays unsettled expires by itself.
 */
export async function settle(env: LimitsEnv, hold: Hold, taken: Taken): Promise<Crossing[]> {
  return (await Promise.all(hold.ledgers.map((ledger) => settleAt(env, ledger, { hold, taken })))).flat()
}

/** What one subject's ledger said; nothing when it could not be asked. */
interface Answer {
  applied: AppliedLimits
  reply: ReserveReply | undefined
}

/** A settlement is idempotent, so it is sent again when nobody knows whether it arrived. */
const SETTLE_WAITS_MS = [200, 1_000, 5_000]

async function settleAt(
  env: LimitsEnv,
  ledger: string,
  given: { hold: Hold; taken: Taken },
): Promise<Crossing[]> {
  for (const waitMs of [...SETTLE_WAITS_MS, undefined]) {
    try {
      return await env.LEDGER.getByName(ledger).settle(given.hold.holdId, given.taken)
    } catch {
      if (waitMs !== undefined) await scheduler.wait(waitMs)
    }
  }
  return []
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

async function askAll(admission: Admission): Promise<Answer[]> {
  const late = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => late.resolve(undefined), admission.timeoutMs)
  const asked = admission.applied.map(async (applied) => ({
    applied,
    reply: await Promise.race([ask(admission, applied), late.promise]),
  }))
  return await Promise.all(asked).finally(() => clearTimeout(timer))
}

async function ask(
  { env, holdId, wish, lifetimeMs }: Admission,
  { ledger, policies }: AppliedLimits,
): Promise<ReserveReply | undefined> {
  const call = { holdId, policies, wish, lifetimeMs }
  try {
    return await env.LEDGER.getByName(ledger).reserve(call)
  } catch (cause) {
    if (!isWorthAnother(cause)) return undefined
  }
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

function isChecked(reply: ReserveReply | undefined): boolean {
  return reply !== undefined && reply.kind !== 'closed'
}

function countedOf({ applied, reply }: Answer): CountedLimit[] {
  if (reply === undefined || reply.kind === 'closed') return []
  const { policies, subject } = applied
  return reply.standings.flatMap((standing, index) => {
    const policy = policies[index]
    return policy === undefined ? [] : [{ policy, subject, standing }]
  })
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
  const giving = answers.filter(({ reply }) => reply?.kind !== 'refused')
  return { holdId, ledgers: giving.map(({ applied }) => applied.ledger) }
}

function laterOf(latest: Refusing, one: Refusing): Refusing {
  return endOf(one) > endOf(latest) ? one : latest
}

/** A place among those that run at once may be free at any moment. */
function endOf({ limit: { policy, standing } }: Refusing): number {
  if (policy.metric === 'concurrency') return 0
  return standing.resetsAtMs ?? Number.POSITIVE_INFINITY
}
