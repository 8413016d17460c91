import type { LimitRow } from '../platform/config-schema'
import { countedValue, isMetric, isWindow, type Policy, type Scope } from './policy'

/** Whom a request's limits are counted on; a scope without a subject has no limits for this request. */
export type Subjects = Readonly<Partial<Record<Scope, string>>>

/** A policy, and whom it is about: an id, or `*` for each one by itself. */
export interface PolicyFor {
  subject: string
  policy: Policy
}

/** The policies that a request is counted on at one subject. */
export interface AppliedLimits {
  scope: Scope
  subject: string
  /** The name of the subject's ledger. */
  ledger: string
  policies: readonly Policy[]
}

/** Each one by itself, in the place of a subject. */
export const EACH = '*'

/** The organization of a deployment, which has exactly one. */
export const ORGANIZATION = 'organization'

/** Policies by whom they are about, so that a request looks at its own only, however many there are. */
export type LimitIndex = ReadonlyMap<Scope, ReadonlyMap<string, readonly Policy[]>>

/** Indexes policies. */
export function indexLimits(policies: readonly PolicyFor[]): LimitIndex {
  const index = new Map<Scope, Map<string, Policy[]>>()
  for (const { subject, policy } of policies) {
    const ofScope = index.get(policy.scope) ?? new Map<string, Policy[]>()
    ofScope.set(subject, [...(ofScope.get(subject) ?? []), policy])
    index.set(policy.scope, ofScope)
  }
  return index
}

/** The limits that apply to a request of these subjects; `more` are policies that only this request has. */
export function appliedLimits(
  index: LimitIndex,
  subjects: Subjects,
  more: readonly PolicyFor[] = [],
): AppliedLimits[] {
  const applied: AppliedLimits[] = []
  const scopes = more.length === 0 ? index.keys() : new Set([...index.keys(), ...scopesOf(more)])
  for (const scope of scopes) {
    const subject = subjects[scope]
    if (subject === undefined) continue
    const policies = [
      ...(index.get(scope)?.get(EACH) ?? []),
      ...(index.get(scope)?.get(subject) ?? []),
      ...more.flatMap((one) => (one.policy.scope === scope && one.subject === subject ? [one.policy] : [])),
    ]
    if (policies.length > 0) applied.push({ scope, subject, ledger: ledgerName(scope, subject), policies })
  }
  return applied
}

function scopesOf(policies: readonly PolicyFor[]): Scope[] {
  return policies.map(({ policy }) => policy.scope)
}

/** The name of a subject's ledger. */
export function ledgerName(scope: Scope, subject: string): string {
  return `${scope}:${subject}`
}

/** A stored limit as a policy; none for one that this release does not count. */
export function policiesOf(row: LimitRow): PolicyFor[] {
  const { id, name, scope, subject, metric, window, action, onUnavailable, refusalStatus } = row
  if (!isMetric(metric) || !isWindow(window)) return []
  const policy: Policy = {
    ...{ id, name, scope, metric, window, action },
    value: countedValue(metric, row.value),
    onUnavailable: onUnavailable ?? usualFailMode(action),
    refusalStatus: refusalStatus === 402 ? 402 : 429,
  }
  return [{ subject, policy }]
}

/** Whoever only wants to be warned does not want to be stopped by a counter that is away. */
export function usualFailMode(action: Policy['action']): Policy['onUnavailable'] {
  return action === 'block' ? 'closed' : 'open'
}
