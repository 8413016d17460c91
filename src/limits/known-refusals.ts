import { counterOf, type Policy } from './policy'
import type { Standing } from './wish'

/** What an isolate remembers of policies that refuse, so that a flood of requests costs no visit. */
export interface KnownRefusals {
  /** Where a policy stood that would refuse this amount now, whatever running requests give back. */
  find(policy: Policy, ledger: string, given: { amount: number; nowMs: number }): Standing | undefined
  remember(policy: Policy, ledger: string, standing: Standing): void
}

const MOST_REMEMBERED = 5_000

/**
 * Only what cannot change before the count starts anew counts: not what running requests hold, and not what expired
 * ones were charged until the truth is known. A policy that is changed has another value, and is asked again.
 */
export function createKnownRefusals(): KnownRefusals {
  const known = new Map<string, { value: number; standing: Standing }>()
  return {
    find(policy, ledger, { amount, nowMs }) {
      if (known.size === 0) return undefined
      const found = known.get(keyOf(policy, ledger, nowMs))
      if (found === undefined || found.value !== policy.value) return undefined
      const { standing } = found
      if (standing.certain + amount <= policy.value) return undefined
      return { ...standing, amount, crossed: false }
    },
    remember(policy, ledger, standing) {
      if (policy.metric === 'concurrency' || standing.certain < policy.value) return
      if (known.size >= MOST_REMEMBERED) known.clear()
      known.set(keyOf(policy, ledger, standing.windowStartMs), { value: policy.value, standing })
    },
  }
}

// The window is in the counter's name: with the next one nothing is remembered any more.
function keyOf(policy: Policy, ledger: string, nowMs: number): string {
  return `${ledger} ${counterOf(policy, nowMs)}`
}
