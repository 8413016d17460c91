import type { LimitRow } from '../platform/config-schema'
import { SluiceError } from '../platform/failure'
import type { Ledger, ReserveReply, Standing } from './ledger'
import { type Amounts, isMetric, isWindow, type Policy } from './policy'

/** The binding that limits need beside the platform's. */
export interface LimitsEnv {
  LEDGER: DurableObjectNamespace<Ledger>
}

/** Whom a request's limits are counted on; a scope without a subject has no limits for this request. */
export type Subjects = Readonly<Partial<Record<LimitRow['scope'], string>>>

/** What a request holds until it has ended. */
export interface Hold {
  holdId: string
  subjects: string[]
}

/** A request's wish to be let in. */
export interface Admission {
  env: LimitsEnv
  limits: readonly LimitRow[]
  subjects: Subjects
  holdId: string
  amounts: Amounts
  nowMs: number
  expiresAtMs: number
}

/**
 * Reserves on every limit that applies, all subjects side by side, one call to each subject's ledger; none at all
 * when no limit applies. When one refuses, the others get back what they gave.
 * @throws SluiceError `limit_exceeded`
 */
export async function reserve(admission: Admission): Promise<Hold | undefined> {
  const wanted = policiesBySubject(admission.limits, admission.subjects)
  if (wanted.size === 0) return undefined
  const { env, holdId, amounts, nowMs, expiresAtMs } = admission
  const asked = [...wanted].map(async ([subject, policies]) => {
    const reply = await ledgerOf(env, subject).reserve({ holdId, policies, amounts, nowMs, expiresAtMs })
    return { subject, policies, reply }
  })
  const settled = await Promise.allSettled(asked)
  const replies = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const hold = {
    holdId,
    subjects: replies.filter(({ reply }) => reply.isAllowed).map(({ subject }) => subject),
  }
  const refusal = replies.find(({ reply }) => !reply.isAllowed)
  if (refusal === undefined && replies.length === asked.length) return hold
  await settle(env, hold, { requests: 0, tokens: 0, concurrency: 0 })
  if (refusal === undefined)
    throw new SluiceError({
      kind: 'unavailable',
      message: 'The limits cannot be checked right now.',
      retryAfterSeconds: 1,
    })
  throw exceeded(refusal, nowMs)
}

/** Replaces what a request held by what it took. Never rejects: an unsettled hold expires by itself. */
export async function settle(env: LimitsEnv, hold: Hold, taken: Amounts): Promise<void> {
  await Promise.allSettled(hold.subjects.map((subject) => ledgerOf(env, subject).settle(hold.holdId, taken)))
}

/** What limits of one subject stand at. */
export async function standingsOf(
  env: LimitsEnv,
  subject: string,
  limits: LimitRow[],
  nowMs: number,
): Promise<Standing[]> {
  return ledgerOf(env, subject).read(limits.flatMap(policyOf), nowMs)
}

/** The name of a subject's ledger. */
export function ledgerName(scope: LimitRow['scope'], subject: string): string {
  return `${scope}:${subject}`
}

/** The organization of a deployment, which has exactly one. */
export const ORGANIZATION = 'organization'

function ledgerOf(env: LimitsEnv, name: string) {
  return env.LEDGER.getByName(name)
}

/** A limit that counts a request, and on whom it counts it. */
export interface AppliedLimit {
  scope: LimitRow['scope']
  subject: string
  /** One, or none for a limit that this release does not count. */
  policies: Policy[]
}

/** The limits that apply to a request of these subjects. */
export function appliedLimits(limits: readonly LimitRow[], subjects: Subjects): AppliedLimit[] {
  return limits.flatMap((limit) => {
    const { scope } = limit
    const subject = subjects[scope]
    if (subject === undefined || (limit.subject !== '*' && limit.subject !== subject)) return []
    return [{ scope, subject, policies: policyOf(limit) }]
  })
}

function policiesBySubject(limits: readonly LimitRow[], subjects: Subjects): Map<string, Policy[]> {
  const wanted = new Map<string, Policy[]>()
  for (const { scope, subject, policies } of appliedLimits(limits, subjects)) {
    const name = ledgerName(scope, subject)
    wanted.set(name, [...(wanted.get(name) ?? []), ...policies])
  }
  return wanted
}

function policyOf({ id, name, metric, window, value, action }: LimitRow): Policy[] {
  return isMetric(metric) && isWindow(window) ? [{ id, name, metric, window, value, action }] : []
}

function exceeded(refusal: { policies: Policy[]; reply: ReserveReply }, nowMs: number): SluiceError {
  const { policies, reply } = refusal
  if (reply.isAllowed)
    return new SluiceError({ kind: 'internal', message: 'A granted reservation was taken for a refusal.' })
  const { policyId, used, reserved, resetsAtMs } = reply.refused
  const policy = policies.find(({ id }) => id === policyId)
  const window = policy?.metric === 'concurrency' ? 'at a time' : `per ${policy?.window}`
  const resets = resetsAtMs === null ? '' : ` It starts anew at ${new Date(resetsAtMs).toISOString()}.`
  return new SluiceError({
    kind: 'limit_exceeded',
    message: `The limit '${policy?.name}' is reached: ${policy?.value} ${policy?.metric} ${window}, ${used} used and ${reserved} reserved.${resets}`,
    retryAfterSeconds: resetsAtMs === null ? 1 : Math.max(1, Math.ceil((resetsAtMs - nowMs) / 1_000)),
  })
}
