import * as z from 'zod'
import { storedBodiesOf } from './bodies'
import { eraseBodies } from './erase-bodies'
import { DELETE_METADATA, INSERT_METADATA } from './metadata-entries'
import { readLog } from './query'

const fields = {
  note: z.string().max(10_000).nullish(),
  positive_feedback: z.boolean().nullish(),
  is_pinned: z.boolean().nullish(),
  custom_identifier: z
    .union([z.string(), z.number()])
    .transform((value) => String(value).slice(0, 254))
    .nullish(),
  category: z.string().max(1_000).nullish(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
}

/** What can be changed of a log. Null takes a value away; metadata is merged, and null takes a key of it away. */
export const editSchema = z.strictObject(fields)

const MAX_EDITS = 1_000

/** Changes of many logs at once. */
export const editsSchema = z.strictObject({
  logs: z
    .array(z.strictObject({ unique_id: z.string().min(1), ...fields }))
    .min(1, 'must name a log')
    .max(MAX_EDITS, `may name ${MAX_EDITS} logs`),
})

/** A change of one log. */
export type LogEdit = z.infer<typeof editsSchema>['logs'][number]

const PLAIN = ['note', 'positive_feedback', 'is_pinned', 'custom_identifier', 'category'] as const

// What an edit does not name has no JSON type; what it names as null has one.
const UPDATE = `update request_logs set ${PLAIN.map(
  (name) =>
    `${name} = case when json_type(edit.value, '$.${name}') is null then ${name} else edit.value ->> '${name}' end`,
).join(', ')},
  metadata = case when json_type(edit.value, '$.metadata') is null then metadata
    when json_type(edit.value, '$.metadata') = 'null' then null
    else json_patch(coalesce(metadata, '{}'), edit.value -> 'metadata') end
  from json_each(?) as edit where request_logs.id = edit.value ->> 'unique_id'
  returning request_logs.id`

/**
 * Makes changes in one transaction; of an API key's logs only, when one is given.
 * @returns the ids that were there
 */
export async function editLogs(
  database: D1Database,
  edits: readonly LogEdit[],
  apiKeyId: string | undefined,
): Promise<string[]> {
  const visible = await visibleIds(database, edits, apiKeyId)
  const known = edits.filter(({ unique_id: id }) => visible.has(id))
  if (known.length === 0) return []
  const ids = JSON.stringify([...visible])
  // The last one counts when a log is named twice.
  const changes = [...new Map(known.map((edit) => [edit.unique_id, edit])).values()]
  await database.batch([
    database.prepare(DELETE_METADATA).bind(ids),
    database.prepare(UPDATE).bind(JSON.stringify(changes)),
    database.prepare(INSERT_METADATA).bind(ids),
  ])
  return [...visible]
}

async function visibleIds(
  database: D1Database,
  edits: readonly LogEdit[],
  apiKeyId: string | undefined,
): Promise<Set<string>> {
  const own = apiKeyId === undefined ? '' : 'and api_key_id = ?2'
  const { results } = await database
    .prepare(`select id from request_logs where id in (select value from json_each(?1)) ${own}`)
    .bind(JSON.stringify(edits.map((edit) => edit.unique_id)), ...(apiKeyId === undefined ? [] : [apiKeyId]))
    .all<{ id: string }>()
  return new Set(results.map(({ id }) => id))
}

/** The statements that take rows away with all that is found by them; they stay counted. Each takes a JSON array of ids. */
export const REMOVE_ROWS: readonly string[] = [
  `insert into counted_logs (id, counted_at_ms)
    select id, started_at_ms from request_logs where id in (select value from json_each(?)) on conflict do nothing`,
  DELETE_METADATA,
  `delete from log_search where rowid in (
    select rowid from request_logs where id in (select value from json_each(?)))`,
  'delete from request_logs where id in (select value from json_each(?))',
]

/** Takes a log away with its bodies; false when it is not there. */
export async function removeLog(env: LogStores, id: string): Promise<boolean> {
  const row = await readLog(env.LOGS, id)
  if (row === undefined) return false
  await eraseBodies(env.BODIES, storedBodiesOf(row.bodies))
  const ids = JSON.stringify([id])
  await env.LOGS.batch(REMOVE_ROWS.map((statement) => env.LOGS.prepare(statement).bind(ids)))
  return true
}

interface LogStores {
  LOGS: D1Database
  BODIES: R2Bucket
}
