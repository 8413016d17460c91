import { bytesOf, ChunkStore } from '../flights/chunk-store'

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

/** The storage of one idempotency key: at most one kept answer, and the bytes of the calls in flight. */
export class AnswerStore extends ChunkStore {
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
    this.together(() => {
      this.rows('delete from answers')
      this.rows('delete from chunks where flight_id <> ?', flightId)
      this.rows('insert into answers values (?, ?, ?, ?, ?, ?, ?)', flightId, ...values, expiresAtMs)
    })
  }

  protected override isEmpty(): boolean {
    return super.isEmpty() && this.rows('select 1 from answers limit 1').length === 0
  }

  protected override createTables(): void {
    super.createTables()
    this.rows(
      'create table answers (flight_id text primary key, fingerprint text, head blob, end blob, size_bytes integer, is_too_large integer, expires_at_ms integer)',
    )
  }
}
