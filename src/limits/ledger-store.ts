import type { PartOfLease } from './lease-report'
import type { OutputHistory } from './output-history'
import type { Metric } from './policy'

/** What a request holds, or held, of one policy. */
export interface Part {
  counter: string
  metric: Metric
  amount: number
  /** Of the policy, when the request was let in. */
  value: number
  /** When its window ends; null when it never does. */
  endsAtMs: number | null
  /** The request was told to be the first beyond the policy's value. */
  crossed?: true
  /** The hold is a lease, and `amount` is what its requests hold and what it may still give out. */
  lease?: PartOfLease
}

/**
 * A request's hold. `open`: it runs. `expired`: nobody settled it in time; it is charged as reserved until the truth
 * comes. `closed`: it is settled, and remembered so that a late or repeated message finds that out.
 */
export interface Hold {
  holdId: string
  state: 'open' | 'expired' | 'closed'
  /** When an open one expires, and when any other is forgotten. */
  expiresAtMs: number
  parts: Part[]
}

/** What a counter has in storage. */
export interface StoredCount {
  used: number
  /** The value of the policy whose crossing was told in this window. */
  toldValue: number | null
}

/** A counter as it is to be stored. */
export interface NamedCount extends StoredCount {
  name: string
  /** When its window ends; null when it never does. */
  endsAtMs: number | null
}

type Row = Record<string, SqlStorageValue>

/** The tables of a ledger. What runs in one turn of the object is written as a whole or not at all. */
export class LedgerStore {
  constructor(private readonly sql: SqlStorage) {
    sql.exec(
      'create table if not exists counts (counter text primary key, used integer, told_value real, ends_at_ms integer) without rowid',
    )
    sql.exec(
      'create table if not exists reservations (hold_id text primary key, state text, expires_at_ms integer, parts text) without rowid',
    )
    sql.exec(
      'create table if not exists outputs (series text primary key, history text, seen_at_ms integer) without rowid',
    )
  }

  count(counter: string): StoredCount {
    const [row] = this.rows('select used, told_value from counts where counter = ?', counter)
    const told = row?.told_value ?? null
    return { used: Number(row?.used ?? 0), toldValue: told === null ? null : Number(told) }
  }

  /** All in one statement: what it costs to enter SQLite is more than what a row costs. */
  saveCounts(counts: readonly NamedCount[]): void {
    if (counts.length === 0) return
    const rows = counts.map(() => '(?, ?, ?, ?)').join(', ')
    this.sql.exec(
      `insert into counts values ${rows} on conflict (counter) do update set used = excluded.used, told_value = excluded.told_value`,
      ...counts.flatMap(({ name, used, toldValue, endsAtMs }) => [name, used, toldValue, endsAtMs]),
    )
  }

  /** All holds that are not closed. */
  running(): Hold[] {
    return this.rows("select * from reservations where state <> 'closed'").map(holdOf)
  }

  /** Whether a hold is known and closed; running ones are in memory. */
  isClosed(holdId: string): boolean {
    return this.rows('select 1 from reservations where hold_id = ?', holdId).length > 0
  }

  /** Stores a new hold; false when there is one of this id, which is then closed, for others are in memory. */
  addHold({ holdId, state, expiresAtMs, parts }: Hold): boolean {
    const { rowsWritten } = this.sql.exec(
      'insert into reservations values (?, ?, ?, ?) on conflict do nothing',
      ...[holdId, state, expiresAtMs, JSON.stringify(parts)],
    )
    return rowsWritten > 0
  }

  saveHold({ holdId, state, expiresAtMs, parts }: Hold): void {
    this.sql.exec(
      'insert or replace into reservations values (?, ?, ?, ?)',
      ...[holdId, state, expiresAtMs, JSON.stringify(parts)],
    )
  }

  /** Forgets holds that are over, and counts whose windows ended before a time. */
  forget(nowMs: number, countsBeforeMs: number): void {
    this.sql.exec("delete from reservations where state <> 'open' and expires_at_ms <= ?", nowMs)
    this.sql.exec('delete from counts where ends_at_ms < ?', countsBeforeMs)
  }

  /** Whether there is any hold, also a closed one. */
  hasHolds(): boolean {
    return this.rows('select 1 from reservations limit 1').length > 0
  }

  histories(): Map<string, OutputHistory> {
    const rows = this.rows('select series, history from outputs order by seen_at_ms')
    return new Map(rows.map((row) => [String(row.series), JSON.parse(String(row.history))]))
  }

  saveHistory(series: string, history: OutputHistory, nowMs: number): void {
    this.sql.exec('insert or replace into outputs values (?, ?, ?)', series, JSON.stringify(history), nowMs)
  }

  forgetHistory(series: string): void {
    this.sql.exec('delete from outputs where series = ?', series)
  }

  private rows(query: string, ...values: SqlStorageValue[]): Row[] {
    return this.sql.exec(query, ...values).toArray()
  }
}

function holdOf(row: Row): Hold {
  const state = row.state === 'open' ? 'open' : 'expired'
  const parts: Part[] = JSON.parse(String(row.parts))
  return { holdId: String(row.hold_id), state, expiresAtMs: Number(row.expires_at_ms), parts }
}
