/** For so long an expired temporary key is told that it has expired. */
const EXPIRED_KEY_MS = 24 * 60 * 60 * 1_000

/** How rows are read without the large library that changes them: in SQL, with the columns that are not as stored. */
interface Query {
  sql: string
  /** Columns of JSON, and of true or false, by their names in the rows of `config-schema.ts`. */
  json?: readonly string[]
  flags?: readonly string[]
}

/** A version of a prompt as it is read one by one. */
export const PROMPT_VERSION = { sql: 'select * from prompt_versions', json: ['content'] } as const

const IS_SERVED = `
  exists (select 1 from prompts p where p.prompt_id = v.prompt_id and p.live_version = v.version)
  or exists (select 1 from prompt_labels l where l.prompt_id = v.prompt_id and l.version = v.version)
  or exists (
    select 1 from prompt_experiments e, json_each(e.arms) arm
    where e.prompt_id = v.prompt_id and e.is_running = 1
      and json_extract(arm.value, '$.version') = v.version
  )`

const BUDGETS =
  'customer_identifier, period_budget, budget_duration, period_start_ms, period_end_ms, total_budget, rate_limit, markup_percentage'

/** One query for each kind of row that is held in memory. */
const queries = {
  versions: { sql: 'select * from config_versions' },
  // Temporary keys are many, and of one that is long over there is nothing to say but that it is not valid.
  apiKeys: {
    sql: `select * from api_keys where is_temporary = 0 or expires_at_ms is null
      or expires_at_ms > unixepoch() * 1000 - ${EXPIRED_KEY_MS}`,
    json: ['allowedModels', 'limits'],
    flags: ['requireParameters', 'isTemporary'],
  },
  providers: { sql: 'select * from providers', json: ['protocols', 'headerNames', 'defaults'] },
  models: {
    sql: 'select * from models',
    json: ['fallbackModels', 'timeouts', 'retryParams', 'supportedParamsOverride'],
  },
  limits: { sql: 'select * from limits' },
  providerKeys: {
    sql: 'select * from provider_keys order by name',
    json: ['credential', 'availableModels', 'excludeModels'],
  },
  loadBalanceGroups: { sql: 'select * from load_balance_groups', json: ['models'] },
  settings: { sql: 'select * from settings', json: ['value'] },
  cacheGenerations: { sql: 'select * from cache_generations' },
  customers: {
    sql: `select ${BUDGETS} from customers
      where period_budget is not null or total_budget is not null or rate_limit is not null`,
  },
  prompts: { sql: 'select * from prompts', json: ['tags'], flags: ['starred'] },
  promptVersions: { ...PROMPT_VERSION, sql: `${PROMPT_VERSION.sql} v where ${IS_SERVED}` },
  promptLabels: { sql: 'select * from prompt_labels' },
  promptExperiments: {
    sql: 'select * from prompt_experiments where is_running = 1',
    json: ['arms'],
    flags: ['isRunning'],
  },
} as const satisfies Record<string, Query>

/** A kind of row that is held in memory. */
export type RowKind = keyof typeof queries

/** All of them. */
export const ROW_KINDS: readonly RowKind[] = [
  ...(['versions', 'apiKeys', 'providers', 'models', 'limits', 'providerKeys', 'loadBalanceGroups'] as const),
  ...(['settings', 'cacheGenerations', 'customers'] as const),
  ...(['prompts', 'promptVersions', 'promptLabels', 'promptExperiments'] as const),
]

/** Reads rows of these kinds, all as they are at one moment. */
export async function readRows(
  database: D1Database,
  kinds: readonly RowKind[],
): Promise<Partial<Record<RowKind, unknown[]>>> {
  const statements = kinds.map((kind) => database.prepare(queries[kind].sql))
  const found = await database.batch<Record<string, unknown>>(statements)
  return Object.fromEntries(
    kinds.map((kind, index) => [
      kind,
      (found[index]?.results ?? []).map((row) => decoded(row, queries[kind])),
    ]),
  )
}

/** A row as the schema has it: names in camel case, JSON as values, and true or false. */
export function decoded(row: Record<string, unknown>, { json, flags }: Query): unknown {
  const columns = Object.entries(row).map(([column, value]) => {
    const name = column.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
    if (typeof value === 'string' && json?.includes(name) === true) return [name, JSON.parse(value)] as const
    return [name, flags?.includes(name) === true ? value === 1 : value] as const
  })
  return Object.fromEntries(columns)
}
