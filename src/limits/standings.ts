import { ledgerName } from './applied-limits'
import type { Policy, Scope } from './policy'
import type { LimitsEnv } from './reserve'
import type { Standing } from './wish'

/** Where policies of one subject stand, or stood in the windows around an earlier time. */
export async function standingsOf(
  env: LimitsEnv,
  { scope, subject }: { scope: Scope; subject: string },
  policies: readonly Policy[],
  atMs?: number,
): Promise<Standing[]> {
  return policies.length === 0 ? [] : env.LEDGER.getByName(ledgerName(scope, subject)).read(policies, atMs)
}
