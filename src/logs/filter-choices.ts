import type { Span } from './filters/clause'

const HOUR_MS = 3_600_000
const MAX_CHOICES = 100

/** The columns of the roll-ups whose values make good filters, by the fields' names. */
const COLUMNS = {
  model: 'model',
  provider_id: 'provider_id',
  organization_key_id: 'api_key_id',
  customer_identifier: 'customer_identifier',
  prompt_id: 'prompt_id',
  environment: 'environment',
  log_type: 'log_type',
} as const

/** Goes from one key to the next one by the index, however many entries each has. */
const METADATA_KEYS = `with recursive keys (key, number) as (
    select min(key), 1 from log_metadata
    union all select (select min(key) from log_metadata where key > keys.key), number + 1
    from keys where key is not null and number < ${MAX_CHOICES}
  ) select key as value from keys where key is not null`

/** What logs of a span can be filtered by: the most frequent values of some fields, and the keys of metadata. */
export async function filterChoices(database: D1Database, span: Span, apiKeyId: string | undefined) {
  const hours = [span.startMs - (span.startMs % HOUR_MS), span.endMs]
  const own = apiKeyId === undefined ? '' : 'and api_key_id = ?3'
  const statements = Object.values(COLUMNS).map((column) =>
    database
      .prepare(`select ${column} as value, sum(requests) as count from usage_hourly
        where hour_ms >= ?1 and hour_ms <= ?2 and ${column} <> '' ${own}
        group by 1 order by 2 desc, 1 limit ${MAX_CHOICES}`)
      .bind(...hours, ...(apiKeyId === undefined ? [] : [apiKeyId])),
  )
  const isWhole = apiKeyId === undefined
  const found = await database.batch<{ value: string; count: number }>([
    ...statements,
    // Which keys others use is theirs.
    ...(isWhole ? [database.prepare(METADATA_KEYS)] : []),
  ])
  const choices = Object.keys(COLUMNS).map((name, index) => [name, found[index]?.results ?? []])
  const keys = isWhole ? (found.at(-1)?.results ?? []) : []
  return { ...Object.fromEntries(choices), metadata: keys.map(({ value }) => value) }
}
