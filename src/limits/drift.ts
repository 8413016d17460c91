import { and, asc, eq, isNull, lt, or, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import { limitSums } from '../platform/logs-schema'
import { isMetric, isWindow, type Policy, SCOPES, shownValue } from './policy'
import type { LimitsEnv } from './reserve'
import { standingsOf } from './standings'

/** What comparing needs: the counters, and the sums of the logs. */
export interface DriftEnv extends LimitsEnv {
  LOGS: D1Database
}

type SumRow = typeof limitSums.$inferSelect

/** A counter that does not say what the logs say. */
export interface Drift {
  row: SumRow
  /** Of the counter, as it counts: billionths of a US dollar for cost. */
  ledgerAmount: number
}

/** By then a request that has ended is settled and its log is written, also after a few failed deliveries. */
const QUIET_MS = 10 * 60 * 1_000
const COMPARED_PER_RUN = 50
const DAY_MS = 24 * 60 * 60 * 1_000
/** Counts that were found right are of no more use when their window is over; the others are kept to be looked at. */
const RIGHT_KEPT_MS = 2 * DAY_MS
const WRONG_KEPT_MS = 90 * DAY_MS

/**
 * Compares what ledgers counted with what log records came to, for subjects that had no request for a while, and tells
 * where they differ. Each count is compared once after its last request.
 */
export async function findDrift(env: DriftEnv, nowMs: number): Promise<Drift[]> {
  const found: Drift[] = []
  for (const row of await waiting(env, nowMs)) {
    const standing = await standingOf(env, row, nowMs)
    // Something of it still runs: it is looked at again when that has ended.
    if (standing !== undefined && standing.reserved > 0) await postpone(env, row, nowMs)
    else {
      const ledgerAmount = standing?.used ?? 0
      await keep(env, row, ledgerAmount)
      if (ledgerAmount !== row.amount) found.push({ row, ledgerAmount })
    }
  }
  return found
}

function waiting({ LOGS }: DriftEnv, nowMs: number): Promise<SumRow[]> {
  return drizzle(LOGS)
    .select()
    .from(limitSums)
    .where(
      and(
        lt(limitSums.updatedAtMs, nowMs - QUIET_MS),
        or(isNull(limitSums.comparedAtMs), lt(limitSums.comparedAtMs, limitSums.updatedAtMs)),
      ),
    )
    .orderBy(asc(limitSums.updatedAtMs))
    .limit(COMPARED_PER_RUN)
}

async function standingOf(env: DriftEnv, row: SumRow, nowMs: number) {
  const { policyId: id, name, metric, window, subject, windowStartMs } = row
  const scope = SCOPES.find((one) => one === row.scope)
  if (scope === undefined || !isMetric(metric) || !isWindow(window)) return undefined
  const policy: Policy = {
    ...{ id, name, scope, metric, window, value: 0, action: 'warn' },
    ...{ onUnavailable: 'open', refusalStatus: 429 },
  }
  const atMs = window === 'total' ? nowMs : windowStartMs
  const [standing] = await standingsOf(env, { scope, subject }, [policy], atMs)
  return standing
}

function ofRow({ policyId, subject, windowStartMs }: SumRow) {
  return and(
    eq(limitSums.policyId, policyId),
    eq(limitSums.subject, subject),
    eq(limitSums.windowStartMs, windowStartMs),
  )
}

async function postpone({ LOGS }: DriftEnv, row: SumRow, nowMs: number): Promise<void> {
  await drizzle(LOGS).update(limitSums).set({ updatedAtMs: nowMs }).where(ofRow(row))
}

// What is compared is what was there when it was read: a request that comes meanwhile is compared later.
async function keep({ LOGS }: DriftEnv, row: SumRow, ledgerAmount: number): Promise<void> {
  await drizzle(LOGS).update(limitSums).set({ ledgerAmount, comparedAtMs: row.updatedAtMs }).where(ofRow(row))
}

/** Forgets counts of short windows that are over; at most so many, so that a run stays short. */
export async function forgetSums({ LOGS }: Pick<DriftEnv, 'LOGS'>, nowMs: number): Promise<void> {
  await LOGS.prepare(FORGET)
    .bind(nowMs - RIGHT_KEPT_MS, nowMs - WRONG_KEPT_MS)
    .run()
}

const FORGET = `delete from limit_sums where rowid in (select rowid from limit_sums
  where updated_at_ms < ?1 and "window" in ('hour', 'day') and (ledger_amount = amount or updated_at_ms < ?2) limit 500)`

/** A page of the counts that differ, those found last first; with `isAll` of all that were compared. */
export async function listDrift(
  { LOGS }: Pick<DriftEnv, 'LOGS'>,
  { page, pageSize, isAll }: { page: number; pageSize: number; isAll: boolean },
) {
  const database = drizzle(LOGS)
  const chosen = isAll
    ? sql`${limitSums.comparedAtMs} is not null`
    : sql`${limitSums.ledgerAmount} <> ${limitSums.amount} and ${limitSums.comparedAtMs} >= ${limitSums.updatedAtMs}`
  const [rows, [total]] = await database.batch([
    database
      .select()
      .from(limitSums)
      .where(chosen)
      .orderBy(sql`${limitSums.comparedAtMs} desc, ${limitSums.policyId}, ${limitSums.subject}`)
      .limit(pageSize)
      .offset((page - 1) * pageSize),
    database.select({ count: sql<number>`count(*)` }).from(limitSums).where(chosen),
  ])
  return {
    count: total?.count ?? 0,
    results: rows.map((row) => shownDrift({ row, ledgerAmount: row.ledgerAmount ?? 0 })),
  }
}

/** A difference in the words of the API; US dollars for cost. */
export function shownDrift({ row, ledgerAmount }: Drift) {
  const inUnit = (amount: number) => (isMetric(row.metric) ? shownValue(row.metric, amount) : amount)
  return {
    policy_id: row.policyId,
    name: row.name,
    scope: row.scope,
    subject: row.subject,
    metric: row.metric,
    window: row.window,
    window_start: row.windowStartMs === 0 ? null : new Date(row.windowStartMs).toISOString(),
    counted: inUnit(ledgerAmount),
    logged: inUnit(row.amount),
    difference: inUnit(ledgerAmount - row.amount),
    last_request: new Date(row.updatedAtMs).toISOString(),
  }
}
