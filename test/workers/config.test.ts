import { env } from 'cloudflare:workers'
import { getTableColumns } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import type { SQLiteTable } from 'drizzle-orm/sqlite-core'
import { describe, expect, test } from 'vitest'
import { type Config, createConfigSnapshot } from '../../src/platform/config'
import * as schema from '../../src/platform/config-schema'
import { ROW_KINDS, type RowKind, readRows } from '../../src/platform/config-sections'
import * as promptsSchema from '../../src/platform/prompts-schema'
import { awayDatabase, switchedDatabase } from './away'
import { changeBySql, storeKey } from './config-database'

const LAST_GOOD = 'config/last-good'

/** An isolate's view of the configuration, with a clock that the test moves. */
function isolate(given: Partial<typeof env> = {}) {
  const clock = { nowMs: 1_000_000 }
  const background: Promise<unknown>[] = []
  const later = (work: Promise<unknown>) => void background.push(work)
  const snapshot = createConfigSnapshot({ ...env, ...given }, () => clock.nowMs)
  return {
    clock,
    get: () => snapshot.get(later),
    refreshed: () => snapshot.refreshed(later, 0),
    /** All background work has ended, also what that has begun. */
    async settled() {
      for (let seen = -1; seen < background.length; ) {
        seen = background.length
        await Promise.all(background)
      }
    },
  }
}

async function versionOf(section: string): Promise<number> {
  const row = await env.CONFIG.prepare('select version from config_versions where section = ?')
    .bind(section)
    .first('version')
  return Number(row)
}

const insertions = {
  api_keys:
    "insert into api_keys (id, name, prefix, hash, role, environment, allowed_models, expires_at_ms, created_at_ms, updated_at_ms) values ('sql', 'by SQL', 'prefix', 'hash', 'admin', 'test', '[\"a\"]', 5, 1, 1)",
  providers:
    "insert into providers (provider_id, provider_name, base_url, protocols, defaults, created_at_ms, updated_at_ms) values ('sql', 'by SQL', 'https://sql.example/v1', '[\"openai-chat\"]', '{\"temperature\":0.5}', 1, 1)",
  models:
    "insert into models (model_name, provider_id, fallback_models, input_cost, created_at_ms, updated_at_ms) values ('sql', 'sql', '[\"b\"]', 0.25, 1, 1)",
  limits:
    "insert into limits (id, name, scope, subject, metric, window, value, action, created_at_ms, updated_at_ms) values ('sql', 'by SQL', 'organization', 'organization', 'requests', 'day', 5, 'block', 1, 1)",
  provider_keys:
    'insert into provider_keys values (\'sql\', \'sql\', \'by SQL\', \'{"providerId":"sql","sealedByHost":{"sql.example":"v1.a.b"}}\', 2.5, \'["a"]\', null, 1, 1)',
  load_balance_groups:
    'insert into load_balance_groups values (\'sql\', \'by SQL\', \'[{"model":"a","weight":0.5}]\', 1, 1)',
  customers:
    "insert into customers (customer_identifier, total_budget, created_at_ms, updated_at_ms) values ('sql', 2.5, 1, 1)",
  prompts: "insert into prompts values ('sql', 'sql', 'by SQL', '', '[]', 0, null, 1, 1)",
  settings: 'insert into settings values (1, \'{"retry_params":{"num_retries":5}}\', 1)',
}

const found: Record<keyof typeof insertions, (config: Config) => unknown> = {
  api_keys: ({ apiKeysByHash }) => apiKeysByHash.get('hash'),
  providers: ({ providersById }) => providersById.get('sql'),
  models: ({ modelsByName }) => modelsByName.get('sql'),
  limits: ({ limits }) => limits.find(({ id }) => id === 'sql'),
  provider_keys: ({ providerKeys }) => providerKeys.get('sql')?.[0],
  load_balance_groups: ({ loadBalanceGroupsById }) => loadBalanceGroupsById.get('sql'),
  customers: ({ customersById }) => customersById.get('sql'),
  prompts: ({ prompts }) => prompts.byName.get('sql')?.row,
  settings: ({ settings }) => (Object.keys(settings).length === 0 ? undefined : settings),
}

const stored: Record<keyof typeof insertions, Record<string, unknown>> = {
  api_keys: {
    id: 'sql',
    role: 'admin',
    environment: 'test',
    allowedModels: ['a'],
    expiresAtMs: 5,
    revokedAtMs: null,
  },
  providers: {
    providerId: 'sql',
    baseUrl: 'https://sql.example/v1',
    protocols: ['openai-chat'],
    defaults: { temperature: 0.5 },
  },
  models: { modelName: 'sql', providerId: 'sql', fallbackModels: ['b'], inputCost: 0.25 },
  limits: { id: 'sql', metric: 'requests', window: 'day', value: 5, action: 'block' },
  provider_keys: {
    providerId: 'sql',
    name: 'by SQL',
    credential: { providerId: 'sql', sealedByHost: { 'sql.example': 'v1.a.b' } },
    weight: 2.5,
    availableModels: ['a'],
    excludeModels: null,
  },
  load_balance_groups: { groupId: 'sql', models: [{ model: 'a', weight: 0.5 }] },
  customers: { customerIdentifier: 'sql', totalBudget: 2.5, periodBudget: null },
  prompts: { promptId: 'sql', slug: 'sql', name: 'by SQL', liveVersion: null },
  settings: { retry_params: { num_retries: 5 } },
}

/** Of customers only what limits them counts, and of the settings only what was set is kept in memory. */
const changes: Partial<Record<keyof typeof insertions, { sql: string; seen: Record<string, unknown> }>> = {
  customers: { sql: 'update customers set rate_limit = 77', seen: { rateLimit: 77 } },
  // A draft that is edited is nobody's business but its editor's.
  prompts: { sql: 'update prompts set live_version = 3', seen: { liveVersion: 3 } },
  settings: { sql: 'update settings set updated_at_ms = 77', seen: {} },
}

const sections = [
  ...(['api_keys', 'providers', 'models', 'limits'] as const),
  ...(['provider_keys', 'load_balance_groups', 'customers', 'prompts', 'settings'] as const),
] as const

describe.each(sections)('a change to %s through SQL alone', (section) => {
  test('is seen in the background after five seconds, whichever kind of change it is', async () => {
    const { clock, get, settled } = isolate()
    await get()
    for (const [statement, expected] of [
      [insertions[section], stored[section]],
      [
        changes[section]?.sql ?? `update ${section} set updated_at_ms = 77`,
        { ...stored[section], ...(changes[section]?.seen ?? { updatedAtMs: 77 }) },
      ],
      [`delete from ${section}`, undefined],
    ] as const) {
      const before = await versionOf(section)
      await changeBySql(statement)
      expect(await versionOf(section)).toBeGreaterThan(before)
      clock.nowMs += 5_000
      const known = get()
      expect(known).not.toBeInstanceOf(Promise)
      await settled()
      const row = found[section](await get())
      if (expected === undefined) expect(row).toBeUndefined()
      else expect(row).toMatchObject(expected)
    }
  })

  test('leaves the other sections as they are in memory', async () => {
    const { clock, get, refreshed } = isolate()
    const before = await get()
    await changeBySql(insertions[section])
    clock.nowMs += 1
    const after = await refreshed()
    await changeBySql(`delete from ${section}`)
    const same = {
      api_keys: after.apiKeysByHash === before.apiKeysByHash,
      providers: after.providersById === before.providersById,
      models: after.modelsByName === before.modelsByName,
      limits: after.limits === before.limits,
      provider_keys: after.providerKeys === before.providerKeys,
      load_balance_groups: after.loadBalanceGroupsById === before.loadBalanceGroupsById,
      customers: after.customersById === before.customersById,
      prompts: after.prompts === before.prompts,
      settings: after.settings === before.settings,
    }
    const all = Object.fromEntries(sections.map((name) => [name, true]))
    expect(same).toEqual({ ...all, [section]: false })
  })
})

describe('a warm isolate', () => {
  test('keeps the very same configuration when nothing has changed', async () => {
    const { clock, get, refreshed } = isolate()
    const before = await get()
    clock.nowMs += 60_000
    expect(await refreshed()).toBe(before)
  })

  test('goes on with what it knows while D1 is away', async () => {
    const state = { database: env.CONFIG }
    const { clock, get, settled } = isolate({ CONFIG: switchedDatabase(state) })
    const before = await get()
    state.database = awayDatabase()
    for (const ageMs of [5_000, 60_000, 3_600_000]) {
      clock.nowMs += ageMs
      expect(await get()).toBe(before)
      await settled()
    }
  })
})

describe('a cold isolate while D1 is away', () => {
  test('starts with the last good configuration, all of it', async () => {
    const key = await storeKey('kept.key', { allowedModels: ['a', 'b/*'], expiresAtMs: 9_999 })
    for (const statement of Object.values(insertions).slice(1)) await changeBySql(statement)
    const warm = isolate()
    const before = await warm.get()
    await warm.settled()
    const after = await isolate({ CONFIG: awayDatabase() }).get()
    expect(after).toEqual(before)
    expect(after.apiKeysByHash.get(key.hash)).toEqual(key)
    for (const section of sections.slice(1)) expect(found[section](after)).toMatchObject(stored[section])
  })

  test('starts with the newest of them', async () => {
    const warm = isolate()
    await warm.get()
    await warm.settled()
    await changeBySql("update models set input_cost = 7 where model_name = 'sql'")
    warm.clock.nowMs += 5_000
    await warm.get()
    await warm.settled()
    const after = await isolate({ CONFIG: awayDatabase() }).get()
    expect(after.modelsByName.get('sql')?.inputCost).toBe(7)
  })

  test('starts with a copy of the release before, which had fewer sections, and reads the rest when D1 is back', async () => {
    const old = { format: 1, versions: {}, apiKeys: [], providers: [], limits: [] }
    const models = [{ modelName: 'old', providerId: 'sql' }]
    await env.CACHE.put(LAST_GOOD, JSON.stringify({ ...old, models }))
    const state = { database: awayDatabase() }
    const { clock, get, refreshed } = isolate({ CONFIG: switchedDatabase(state) })
    const rescued = await get()
    expect([...rescued.modelsByName.keys()]).toEqual(['old'])
    expect([rescued.providerKeys.size, rescued.loadBalanceGroupsById.size, rescued.settings]).toEqual([
      0,
      0,
      {},
    ])
    state.database = env.CONFIG
    clock.nowMs += 1
    const after = await refreshed()
    for (const section of sections.slice(4)) expect(found[section](after)).toMatchObject(stored[section])
  })

  test.each([
    ['there is none', null],
    [
      'it is of another release',
      JSON.stringify({ format: 0, versions: {}, apiKeys: [], providers: [], models: [], limits: [] }),
    ],
    [
      'a section of it is missing',
      JSON.stringify({ format: 1, versions: {}, apiKeys: [], providers: [], models: [] }),
    ],
    ['it is not JSON', '{"format":1,'],
  ])('fails as D1 does when %s', async (_, text) => {
    if (text === null) await env.CACHE.delete(LAST_GOOD)
    else await env.CACHE.put(LAST_GOOD, text)
    const cause: unknown = await Promise.resolve(isolate({ CONFIG: awayDatabase() }).get()).catch(
      (error: unknown) => error,
    )
    expect(JSON.stringify(cause, Object.getOwnPropertyNames(Object(cause)))).toContain('the database is away')
  })
})

describe('the last good configuration', () => {
  test('is written once for a version, by however many isolates', async () => {
    const puts: string[] = []
    const CACHE = new Proxy(env.CACHE, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        return (...args: unknown[]) => {
          if (name === 'put') puts.push(String(args[0]))
          return Reflect.apply(value, target, args)
        }
      },
    })
    await env.CACHE.delete(LAST_GOOD)
    for (let count = 0; count < 3; count++) {
      const { get, settled } = isolate({ CACHE })
      await get()
      await settled()
    }
    expect(puts).toEqual([LAST_GOOD])
  })

  test('that cannot be written does not stop anything', async () => {
    const CACHE = new Proxy(env.CACHE, {
      get: () => () => Promise.reject(new Error('KV is away')),
    })
    const { get, settled } = isolate({ CACHE })
    expect((await get()).modelsByName.size).toBeGreaterThan(0)
    await settled()
  })
})

const tables: Record<RowKind, SQLiteTable> = {
  ...{ versions: schema.configVersions, apiKeys: schema.apiKeys, providers: schema.providers },
  ...{ models: schema.models, limits: schema.limits, providerKeys: schema.providerKeys },
  ...{ loadBalanceGroups: schema.loadBalanceGroups, settings: schema.settings },
  ...{ cacheGenerations: schema.cacheGenerations, customers: schema.customers },
  ...{ prompts: promptsSchema.prompts, promptVersions: promptsSchema.promptVersions },
  ...{ promptLabels: promptsSchema.promptLabels, promptExperiments: promptsSchema.promptExperiments },
}

test.each(ROW_KINDS)('%s are read as the schema has them, with a value in every column', async (kind) => {
  const database = drizzle(env.CONFIG)
  const table = tables[kind]
  if (kind === 'promptVersions') await database.insert(tables.prompts).values(filledIn(tables.prompts))
  if (kind !== 'versions') {
    await database.delete(table)
    await database.insert(table).values(filledIn(table))
  }
  const { [kind]: rows = [] } = await readRows(env.CONFIG, [kind])
  expect(rows.length).toBeGreaterThan(0)
  const names = Object.keys(Object(rows[0]))
  const columns = Object.entries(getTableColumns(table)).filter(([name]) => names.includes(name))
  expect(rows).toEqual(await database.select(Object.fromEntries(columns)).from(table))
  // Of customers only what limits them.
  const missing = Object.keys(getTableColumns(table)).length - columns.length
  expect(missing).toBe(kind === 'customers' ? 6 : 0)
  if (kind !== 'versions') await database.delete(table)
})

/** A value in every column, of the column's own kind. */
function filledIn(table: SQLiteTable): Record<string, unknown> {
  const fixed: Record<string, unknown> = { promptId: 'p', version: 3, liveVersion: 3 }
  return Object.fromEntries(
    Object.entries(getTableColumns(table)).map(([name, { dataType, enumValues }]) => {
      const number = 4_000_000_000_000
      const values: Record<string, unknown> = {
        ...{ json: [{ version: 3 }], boolean: true, number, string: enumValues?.[0] ?? 'text' },
      }
      return [name, fixed[name] ?? values[dataType]]
    }),
  )
}
