import { DurableObject } from 'cloudflare:workers'
import { type Amounts, type Policy, windowEndMs, windowStartMs } from './policy'

/** A request's wish to take something of every policy of a subject. */
export interface ReserveCall {
  /** The request's id; a second call with it changes nothing. */
  holdId: string
  policies: Policy[]
  amounts: Amounts
  nowMs: number
  /** When a hold that nobody settled is given back. */
  expiresAtMs: number
}

/** A year and a month: counts of windows that began before that are of no more use. */
const LONGEST_WINDOW_MS = 397 * 24 * 60 * 60 * 1_000

/** What a policy stood at when it was asked. */
export interface Standing {
  policyId: string
  used: number
  reserved: number
  /** Milliseconds since 1970; null when the count never starts anew. */
  resetsAtMs: number | null
}

/** Whether all was reserved, and where every policy stood before. */
export type ReserveReply =
  | { isAllowed: true; standings: Standing[] }
  | { isAllowed: false; refused: Standing; standings: Standing[] }

/**
 * The counters of one subject: `used` is what settled requests took, `holds` what running ones may still take.
 * A Durable Object runs one call at a time, so that `used + reserved <= value` is checked and taken in one step.
 */
export class Ledger extends DurableObject {
  constructor(state: DurableObjectState, env: Cloudflare.Env) {
    super(state, env)
    const { sql } = this.ctx.storage
    sql.exec(
      'create table if not exists used (policy_id text, window_start_ms integer, amount integer, primary key (policy_id, window_start_ms))',
    )
    sql.exec(
      'create table if not exists holds (hold_id text, policy_id text, window_start_ms integer, metric text, amount integer, expires_at_ms integer, primary key (hold_id, policy_id))',
    )
  }

  /** Reserves on all policies, or on none when one that blocks would be exceeded. */
  async reserve(call: ReserveCall): Promise<ReserveReply> {
    const { holdId, policies, amounts, nowMs, expiresAtMs } = call
    this.sweep(nowMs)
    const standings = policies.map((policy) => this.standing(policy, nowMs))
    const isKnown = this.rows('select 1 from holds where hold_id = ? limit 1', holdId).length > 0
    if (isKnown) return { isAllowed: true, standings }
    const refused = standings.find((standing, index) => {
      const policy = policies[index]
      return (
        policy?.action === 'block' &&
        standing.used + standing.reserved + amounts[policy.metric] > policy.value
      )
    })
    if (refused !== undefined) return { isAllowed: false, refused, standings }
    for (const policy of policies) {
      const startMs = startOf(policy, nowMs)
      const values = [holdId, policy.id, startMs, policy.metric, amounts[policy.metric], expiresAtMs]
      this.ctx.storage.sql.exec('insert or ignore into holds values (?, ?, ?, ?, ?, ?)', ...values)
    }
    await this.wakeBy(expiresAtMs)
    return { isAllowed: true, standings }
  }

  /** Turns a request's holds into what it really took; a second call, or one after the expiry, changes nothing. */
  async settle(holdId: string, taken: Amounts): Promise<void> {
    this.close(this.rows('select * from holds where hold_id = ?', holdId), taken)
  }

  /** What policies stand at, for a reader. */
  async read(policies: Policy[], nowMs: number): Promise<Standing[]> {
    this.sweep(nowMs)
    return policies.map((policy) => this.standing(policy, nowMs))
  }

  /** Gives back what nobody settled, also when no request comes any more. */
  override async alarm(): Promise<void> {
    const nowMs = Date.now()
    this.sweep(nowMs)
    this.rows('delete from used where window_start_ms > 0 and window_start_ms < ?', nowMs - LONGEST_WINDOW_MS)
    const [next] = this.rows('select min(expires_at_ms) as at from holds')
    if (typeof next?.at === 'number') await this.ctx.storage.setAlarm(next.at)
  }

  private standing(policy: Policy, nowMs: number): Standing {
    const startMs = startOf(policy, nowMs)
    const [used] = this.rows(
      'select amount from used where policy_id = ? and window_start_ms = ?',
      policy.id,
      startMs,
    )
    const [held] = this.rows(
      'select sum(amount) as amount from holds where policy_id = ? and window_start_ms = ?',
      policy.id,
      startMs,
    )
    return {
      policyId: policy.id,
      used: Number(used?.amount ?? 0),
      reserved: Number(held?.amount ?? 0),
      resetsAtMs: policy.metric === 'concurrency' ? null : windowEndMs(policy.window, nowMs),
    }
  }

  /** A request whose worker died is charged what it had reserved, except for what it no longer occupies. */
  private sweep(nowMs: number): void {
    this.close(this.rows('select * from holds where expires_at_ms <= ?', nowMs), undefined)
  }

  private close(holds: Record<string, SqlStorageValue>[], taken: Amounts | undefined): void {
    for (const hold of holds) {
      const amount = hold.metric === 'concurrency' ? 0 : (takenOf(hold.metric, taken) ?? Number(hold.amount))
      const { sql } = this.ctx.storage
      sql.exec(
        'delete from holds where hold_id = ? and policy_id = ?',
        hold.hold_id ?? null,
        hold.policy_id ?? null,
      )
      if (amount === 0) continue
      sql.exec(
        'insert into used values (?, ?, ?) on conflict (policy_id, window_start_ms) do update set amount = amount + excluded.amount',
        ...[hold.policy_id ?? null, hold.window_start_ms ?? null, amount],
      )
    }
  }

  private async wakeBy(atMs: number): Promise<void> {
    const planned = await this.ctx.storage.getAlarm()
    if (planned === null || planned > atMs) await this.ctx.storage.setAlarm(atMs)
  }

  private rows(query: string, ...values: SqlStorageValue[]): Record<string, SqlStorageValue>[] {
    return this.ctx.storage.sql.exec(query, ...values).toArray()
  }
}

function startOf(policy: Policy, nowMs: number): number {
  return policy.metric === 'concurrency' ? 0 : windowStartMs(policy.window, nowMs)
}

function takenOf(metric: SqlStorageValue | undefined, taken: Amounts | undefined): number | undefined {
  if (taken === undefined) return undefined
  if (metric === 'requests') return taken.requests
  return metric === 'tokens' ? taken.tokens : undefined
}
