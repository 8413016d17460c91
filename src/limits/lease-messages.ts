import { untilDone } from '../platform/waiting'
import type { Lease } from './lease'
import type { Draw, Renewal } from './leases'
import type { Ledger } from './ledger'
import type { Crossing, ReserveReply, Taken } from './wish'

/** What the messages of leases need beside what they are about. */
export interface Mail {
  env: { LEDGER: DurableObjectNamespace<Ledger> }
  /** Milliseconds since 1970. */
  now(): number
}

/** A timer may be early by as much. */
const TIMER_SLACK_MS = 5
/** While requests outlive their lease, what they took is told so often. */
const OUTLIVING_MS = 1_000

/**
 * Sends a settlement or a report, which are idempotent, again when nobody knows whether it arrived. Never rejects: a hold
 * that is not heard of expires by itself.
 */
export async function untilHeard(tell: () => Promise<Crossing[]>): Promise<Crossing[]> {
  return (await untilDone(tell)) ?? []
}

/** Takes in what became of a renewal, and ends the lease when its time has come: to be waited for behind the answer. */
export async function renewed(
  mail: Mail,
  renewal: Renewal,
  reply: ReserveReply | undefined,
): Promise<Crossing[]> {
  const { leases, lease } = renewal
  const { now } = mail
  const next = leases.answered(renewal, reply)
  if (next === 'nothing') return []
  const endsAtMs = next === 'granted' ? lease.endsAtMs : 0
  for (let leftMs = endsAtMs - now(); leftMs > 0; leftMs = endsAtMs - now()) {
    await scheduler.wait(leftMs + TIMER_SLACK_MS)
    // Who has renewed it waits for its end.
    if (lease.endsAtMs !== endsAtMs) return []
  }
  if (lease.isOver) return []
  leases.end(lease)
  return await report(mail, lease)
}

/**
 * Puts what a request really took in the place of what it drew. The lease tells it with its next report; a request that
 * has outlived it has something to wait for behind the answer.
 */
export function settleDraw(mail: Mail, draw: Draw, taken: Taken): Promise<Crossing[]> | undefined {
  if (draw.isSettled) return undefined
  draw.isSettled = true
  const { leases, lease, amounts } = draw
  lease.settle(amounts, taken)
  const nowMs = mail.now()
  // Whoever was to end it is gone when it has not ended long after its time.
  if (!lease.isOver && nowMs < lease.endsAtMs + OUTLIVING_MS) return undefined
  leases.end(lease)
  if (lease.isIdle) return report(mail, lease)
  if (nowMs < lease.toldByMs) return undefined
  lease.toldByMs = nowMs + 2 * OUTLIVING_MS
  return reportLater(mail, lease)
}

async function reportLater(mail: Mail, lease: Lease): Promise<Crossing[]> {
  await scheduler.wait(OUTLIVING_MS)
  lease.toldByMs = 0
  return lease.isClosed ? [] : await report(mail, lease)
}

async function report({ env }: Mail, lease: Lease): Promise<Crossing[]> {
  const told = lease.report()
  return await untilHeard(() => env.LEDGER.getByName(lease.ledger).report(told))
}
