import { drizzle } from 'drizzle-orm/d1'
import * as z from 'zod'
import type { ApiKeyRow, LimitRow, ModelRow, ProviderRow } from './config-schema'
import { apiKeys, configVersions, limits, models, providers } from './config-schema'
import type { Env } from './env'
import { SluiceError } from './failure'
import { createSnapshot, type Snapshot } from './snapshot'

/** The whole configuration, indexed the way a request asks for it. Never mutated: a change makes a new one. */
export interface Config {
  versions: Readonly<Record<string, number>>
  apiKeysByHash: ReadonlyMap<string, ApiKeyRow>
  providersById: ReadonlyMap<string, ProviderRow>
  modelsByName: ReadonlyMap<string, ModelRow>
  limits: readonly LimitRow[]
}

const LAST_GOOD = 'config/last-good'
/** The shape of what is kept in KV; a copy from another release is not read. */
const LAST_GOOD_FORMAT = 1

const lastGoodSchema = z.object({
  format: z.literal(LAST_GOOD_FORMAT),
  versions: z.record(z.string(), z.number()),
  apiKeys: z.array(z.custom<ApiKeyRow>(isRow)),
  providers: z.array(z.custom<ProviderRow>(isRow)),
  models: z.array(z.custom<ModelRow>(isRow)),
  limits: z.array(z.custom<LimitRow>(isRow)),
})

/** The configuration in D1, held in memory and looked after as described at `createSnapshot`. */
export function createConfigSnapshot(env: Env, now: () => number): Snapshot<Config> {
  return createSnapshot<Config>({
    load: (known) => loadConfig(env, known).catch(unavailable),
    rescue: () => readLastGood(env),
    loaded: (config) => keepLastGood(env, config),
    now,
    refreshAfterMs: 5_000,
    staleAfterMs: 8_000,
    patienceMs: 1_500,
  })
}

function unavailable(cause: unknown): never {
  throw new SluiceError(
    { kind: 'unavailable', message: 'The configuration cannot be read right now.', retryAfterSeconds: 2 },
    { cause },
  )
}

/** Reads the version counters, then the sections that moved; the known configuration itself when none did. */
async function loadConfig(env: Env, known: Config | undefined): Promise<Config> {
  const database = drizzle(env.CONFIG)
  if (known === undefined) return loadAll(env)
  const rows = await database.select().from(configVersions)
  const versions = Object.fromEntries(rows.map((row) => [row.section, row.version]))
  const moved = (section: string) => versions[section] !== known.versions[section]
  if (!Object.keys(versions).some(moved)) return known
  // The versions are older than the rows read after them, never newer: a change in between is read again next time.
  const [keyRows, providerRows, modelRows, limitRows] = await Promise.all([
    moved('api_keys') ? database.select().from(apiKeys) : undefined,
    moved('providers') ? database.select().from(providers) : undefined,
    moved('models') ? database.select().from(models) : undefined,
    moved('limits') ? database.select().from(limits) : undefined,
  ])
  return {
    versions,
    apiKeysByHash: keyRows === undefined ? known.apiKeysByHash : byHash(keyRows),
    providersById: providerRows === undefined ? known.providersById : byProviderId(providerRows),
    modelsByName: modelRows === undefined ? known.modelsByName : byModelName(modelRows),
    limits: limitRows ?? known.limits,
  }
}

async function loadAll(env: Env): Promise<Config> {
  const database = drizzle(env.CONFIG)
  const [versionRows, keyRows, providerRows, modelRows, limitRows] = await database.batch([
    database.select().from(configVersions),
    database.select().from(apiKeys),
    database.select().from(providers),
    database.select().from(models),
    database.select().from(limits),
  ])
  return indexed({
    versions: Object.fromEntries(versionRows.map((row) => [row.section, row.version])),
    apiKeys: keyRows,
    providers: providerRows,
    models: modelRows,
    limits: limitRows,
  })
}

interface ConfigRows {
  versions: Record<string, number>
  apiKeys: ApiKeyRow[]
  providers: ProviderRow[]
  models: ModelRow[]
  limits: LimitRow[]
}

function indexed(rows: ConfigRows): Config {
  return {
    versions: rows.versions,
    apiKeysByHash: byHash(rows.apiKeys),
    providersById: byProviderId(rows.providers),
    modelsByName: byModelName(rows.models),
    limits: rows.limits,
  }
}

function byHash(rows: ApiKeyRow[]): Map<string, ApiKeyRow> {
  return new Map(rows.map((row) => [row.hash, row]))
}

function byProviderId(rows: ProviderRow[]): Map<string, ProviderRow> {
  return new Map(rows.map((row) => [row.providerId, row]))
}

function byModelName(rows: ModelRow[]): Map<string, ModelRow> {
  return new Map(rows.map((row) => [row.modelName, row]))
}

async function readLastGood(env: Env): Promise<Config | undefined> {
  const stored = lastGoodSchema.safeParse(await env.CACHE.get(LAST_GOOD, 'json'))
  return stored.success ? indexed(stored.data) : undefined
}

// Written only when it differs from what is there: many isolates load each change, and KV takes one write a second.
async function keepLastGood(env: Env, config: Config): Promise<void> {
  const version = JSON.stringify([LAST_GOOD_FORMAT, config.versions])
  const stored = await env.CACHE.getWithMetadata<{ version: string }>(LAST_GOOD, 'stream')
  await stored.value?.cancel()
  if (stored.metadata?.version === version) return
  const rows = {
    format: LAST_GOOD_FORMAT,
    versions: config.versions,
    apiKeys: [...config.apiKeysByHash.values()],
    providers: [...config.providersById.values()],
    models: [...config.modelsByName.values()],
    limits: config.limits,
  }
  await env.CACHE.put(LAST_GOOD, JSON.stringify(rows), { metadata: { version } })
}

function isRow(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}
