/** Where an object keeps what is too long for its memory. An object that keeps nothing has no tables. */
export class ChunkStore {
  protected hasTables: boolean

  constructor(private readonly storage: DurableObjectStorage) {
    this.hasTables = this.rows("select 1 from sqlite_master where name = 'chunks'").length > 0
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
    if (this.isEmpty()) await this.forgetAll()
  }

  /** Leaves nothing behind: an empty object costs nothing. */
  async forgetAll(): Promise<void> {
    this.hasTables = false
    await Promise.all([this.storage.deleteAlarm(), this.storage.deleteAll()])
  }

  protected isEmpty(): boolean {
    return this.rows('select 1 from chunks limit 1').length === 0
  }

  protected prepare(): void {
    if (this.hasTables) return
    this.createTables()
    this.hasTables = true
  }

  protected createTables(): void {
    this.rows(
      'create table chunks (flight_id text, start integer, bytes blob, primary key (flight_id, start)) without rowid',
    )
  }

  protected rows(query: string, ...values: SqlStorageValue[]): Record<string, SqlStorageValue>[] {
    return this.storage.sql.exec(query, ...values).toArray()
  }

  /** All of it or nothing. */
  protected together(work: () => void): void {
    this.storage.transactionSync(work)
  }
}

/** A stored blob. */
export function bytesOf(value: SqlStorageValue | undefined): Uint8Array {
  return value instanceof ArrayBuffer ? new Uint8Array(value) : new Uint8Array(0)
}
