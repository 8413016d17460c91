const MAX_KEYS = 50

/** The longest key by which logs are found; of a longer one its beginning. */
export const MAX_KEY_LENGTH = 128
const MAX_VALUE_LENGTH = 256

/** A value of metadata as it is kept for filters: text, or JSON text, of a bounded length. */
export function metadataText(value: unknown): string {
  return (typeof value === 'string' ? value : (JSON.stringify(value) ?? '')).slice(0, MAX_VALUE_LENGTH)
}

/** An entry's value in SQL, in the same form as `metadataText`. */
const VALUE = `substr(case when entry.type in ('true', 'false') then entry.type else cast(entry.value as text) end, 1, ${MAX_VALUE_LENGTH})`

/** The value of a key of a row's metadata in SQL, in the form of `metadataText`; null without it. */
export function metadataValue(key: string): string {
  return `select ${VALUE} from json_each(request_logs.metadata) as entry where entry.key = ${key} and entry.type <> 'null'`
}

/** The entries of some rows' metadata, as their text. */
const ENTRIES = `select substr(entry.key, 1, ${MAX_KEY_LENGTH}) as key, ${VALUE} as value,
    request_logs.started_at_ms, request_logs.id
  from json_each(?) as asked join request_logs on request_logs.id = asked.value,
    json_each(request_logs.metadata) as entry
  where entry.type <> 'null' and entry.rowid < ${MAX_KEYS}`

/** Makes the metadata of rows findable; takes a JSON array of their ids. */
export const INSERT_METADATA = `insert into log_metadata (key, value, started_at_ms, log_id) ${ENTRIES} on conflict do nothing`

/** Forgets the metadata of rows, which have to be there still, as they were; takes a JSON array of their ids. */
export const DELETE_METADATA = `delete from log_metadata where (key, value, started_at_ms, log_id) in (${ENTRIES})`
