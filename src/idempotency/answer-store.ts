/** An answer that is kept for repeats, without its bytes. */
export interface KeptAnswer {
  flightId: string
  fingerprint: string
  /** JSON, as the frames carry it. */
  head: Uint8Array
  end: Uint8Array
  sizeBytes: number
  /** Its bytes are not kept: only that there was such an answer. */
  isTooLarge: boolean
  expiresAtMs: number
}

/**
 * The storage of one idempotency key: at most one kept answer, and the bytes of the calls in flight. A call that leaves
 * nothing to keep leaves no tables either.
 */
export class AnswerStore {
  private hasTables: boolean

  constructor(private readonly storage: DurableObjectStorage) {
    this.hasTables = this.rows("select 1 from sqlite_master where name = 'answers'").length > 0
  }

  /** The answer that a repeat gets. */
  kept(nowMs: number): KeptAnswer | undefined {
    const [row] = this.hasTables ? this.rows('select * from answers where expires_at_ms > ?', nowMs) : []
    if (row === undefined) return undefined
    return {
      flightId: String(row.flight_id),
      fingerprint: String(row.fingerprint),
      head: bytesOf(row.head),
      end: bytesOf(row.end),
      sizeBytes: Number(row.size_bytes),
      isTooLarge: row.is_too_large === 1,
      expiresAtMs: Number(row.expires_at_ms),
    }
  }

  /** Keeps an answer whose bytes were added, in the place of one that has expired. */
  keep({ flightId, fingerprint, head, end, sizeBytes, isTooLarge, expiresAtMs }: KeptAnswer): void {
    this.prepare()
    const values = [fingerprint, head.slice().buffer, end.slice().buffer, sizeBytes, Number(isTooLarge)]
    this.storage.transactionSync(() => {
      this.rows('delete from answers')
      this.rows('delete from chunks where flight_id <> ?', flightId)
      this.rows('insert into answers values (?, ?, ?, ?, ?, ?, ?)', flightId, ...values, expiresAtMs)
    })
  }

  /** Adds the bytes of a call, which begin at `start` of its answer; at most 2 MB. */
  add(flightId: string, start: number, bytes: Uint8Array<ArrayBuffer>): void {
    this.prepare()
    this.rows('insert into chunks values (?, ?, ?)', flightId, start, bytes.buffer)
  }

  /** What was added at a position, from there on. */
  read(flightId: string, position: number): Uint8Array | undefined {
    const [row] = this.rows(
      'select start, bytes from chunks where flight_id = ? and start <= ? order by start desc limit 1',
      flightId,
      position,
    )
    return row === undefined ? undefined : bytesOf(row.bytes).subarray(position - Number(row.start))
  }

  /** Forgets the bytes of a call, and everything when nothing else is left. */
  async forget(flightId: string): Promise<void> {
    if (!this.hasTables) return
    this.rows('delete from chunks where flight_id = ?', flightId)
    if (this.rows('select 1 from answers union all select 1 from chunks limit 1').length === 0)
      await this.forgetAll()
  }

  /** Leaves nothing behind: an empty object costs nothing. */
  async forgetAll(): Promise<void> {
    this.hasTables = false
    await Promise.all([this.storage.deleteAlarm(), this.storage.deleteAll()])
  }

  private prepare(): void {
    if (this.hasTables) return
    this.rows(
      'create table answers (flight_id text primary key, fingerprint text, head blob, end blob, size_bytes integer, is_too_large integer, expires_at_ms integer)',
    )
    this.rows(
      'create table chunks (flight_id text, start integer, bytes blob, primary key (flight_id, start)) without rowid',
    )
    this.hasTables = true
  }

  private rows(query: string, ...values: SqlStorageValue[]): Record<string, SqlStorageValue>[] {
    return this.storage.sql.exec(query, ...values).toArray()
  }
}

function bytesOf(value: SqlStorageValue | undefined): Uint8Array {
  return value instanceof ArrayBuffer ? new Uint8Array(value) : new Uint8Array(0)
}
