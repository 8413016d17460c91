import { drizzle } from 'drizzle-orm/d1'
import * as z from 'zod/mini'
import type {
  ApiKeyRow,
  CacheGenerationRow,
  CustomerBudgets,
  LimitRow,
  LoadBalanceGroupRow,
  ModelRow,
  ProviderKeyRow,
  ProviderRow,
  SettingsRow,
} from './config-schema'
import { configVersions } from './config-schema'
import { sections } from './config-sections'
import type { Env } from './env'
import { SluiceError } from './failure'
import { indexPrompts, NO_PROMPTS, type PromptIndex, promptRows, readPrompts } from './held-prompts'
import type { Settings } from './settings'
import { createSnapshot, type Snapshot } from './snapshot'

/** The whole configuration, indexed the way a request asks for it. Never mutated: a change makes a new one. */
export interface Config {
  versions: Readonly<Record<string, number>>
  apiKeysByHash: ReadonlyMap<string, ApiKeyRow>
  providersById: ReadonlyMap<string, ProviderRow>
  modelsByName: ReadonlyMap<string, ModelRow>
  limits: readonly LimitRow[]
  /** The further keys of each provider that has some. */
  providerKeys: ReadonlyMap<string, readonly ProviderKeyRow[]>
  loadBalanceGroupsById: ReadonlyMap<string, LoadBalanceGroupRow>
  /** Those that have a budget or a rate limit. */
  customersById: ReadonlyMap<string, CustomerBudgets>
  /** What was set, without the defaults. */
  settings: Settings
  /** When kept answers were cleared last, by scope and subject: `all:`, `model:...`. */
  cacheGenerations: ReadonlyMap<string, number>
  prompts: PromptIndex
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
  // A copy of a release before these sections has none of them.
  providerKeys: z._default(z.array(z.custom<ProviderKeyRow>(isRow)), []),
  loadBalanceGroups: z._default(z.array(z.custom<LoadBalanceGroupRow>(isRow)), []),
  settings: z._default(z.array(z.custom<SettingsRow>(isRow)), []),
  customers: z._default(z.array(z.custom<CustomerBudgets>(isRow)), []),
  cacheGenerations: z._default(z.array(z.custom<CacheGenerationRow>(isRow)), []),
  prompts: z._default(z.custom<PromptIndex['rows']>(isRow), NO_PROMPTS.rows),
})

/** Where the configuration is; with KV it survives the database being away. */
export type ConfigEnv = Pick<Env, 'CONFIG'> & Partial<Pick<Env, 'CACHE'>>

/** The configuration in D1, held in memory and looked after as described at `createSnapshot`. */
export function createConfigSnapshot(env: ConfigEnv, now: () => number): Snapshot<Config> {
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
async function loadConfig(env: ConfigEnv, known: Config | undefined): Promise<Config> {
  const database = drizzle(env.CONFIG)
  if (known === undefined) return loadAll(env)
  const rows = await database.select().from(configVersions)
  const versions = Object.fromEntries(rows.map((row) => [row.section, row.version]))
  const moved = (section: string) => versions[section] !== known.versions[section]
  if (!Object.keys(versions).some(moved)) return known
  const read = sections(database)
  // The versions are older than the rows read after them, never newer: a change in between is read again next time.
  const [
    keyRows,
    providerRows,
    modelRows,
    limitRows,
    furtherKeys,
    groups,
    settingRows,
    customerRows,
    clears,
    prompts,
  ] = await Promise.all([
    moved('api_keys') ? read.apiKeys : undefined,
    moved('providers') ? read.providers : undefined,
    moved('models') ? read.models : undefined,
    moved('limits') ? read.limits : undefined,
    moved('provider_keys') ? read.providerKeys : undefined,
    moved('load_balance_groups') ? read.loadBalanceGroups : undefined,
    moved('settings') ? read.settings : undefined,
    moved('customers') ? read.customers : undefined,
    moved('cache_generations') ? read.cacheGenerations : undefined,
    moved('prompts') ? readPrompts(database) : undefined,
  ])
  return {
    versions,
    apiKeysByHash: keyRows === undefined ? known.apiKeysByHash : byHash(keyRows),
    providersById: providerRows === undefined ? known.providersById : byProviderId(providerRows),
    modelsByName: modelRows === undefined ? known.modelsByName : byModelName(modelRows),
    limits: limitRows ?? known.limits,
    providerKeys: furtherKeys === undefined ? known.providerKeys : byProvider(furtherKeys),
    loadBalanceGroupsById: groups === undefined ? known.loadBalanceGroupsById : byGroupId(groups),
    settings: settingRows === undefined ? known.settings : settingsOf(settingRows),
    customersById: customerRows === undefined ? known.customersById : byCustomer(customerRows),
    cacheGenerations: clears === undefined ? known.cacheGenerations : byScope(clears),
    prompts: prompts ?? known.prompts,
  }
}

async function loadAll(env: ConfigEnv): Promise<Config> {
  const database = drizzle(env.CONFIG)
  const read = sections(database)
  const [
    versionRows,
    keyRows,
    providerRows,
    modelRows,
    limitRows,
    furtherKeys,
    groups,
    settingRows,
    customerRows,
    clears,
    ...stored
  ] = await database.batch([
    database.select().from(configVersions),
    read.apiKeys,
    read.providers,
    read.models,
    read.limits,
    read.providerKeys,
    read.loadBalanceGroups,
    read.settings,
    read.customers,
    read.cacheGenerations,
    read.prompts,
    read.versions,
    read.labels,
    read.experiments,
  ])
  return indexed({
    versions: Object.fromEntries(versionRows.map((row) => [row.section, row.version])),
    apiKeys: keyRows,
    providers: providerRows,
    models: modelRows,
    limits: limitRows,
    providerKeys: furtherKeys,
    loadBalanceGroups: groups,
    settings: settingRows,
    customers: customerRows,
    cacheGenerations: clears,
    prompts: promptRows(stored),
  })
}

type ConfigRows = Omit<z.infer<typeof lastGoodSchema>, 'format'>

function indexed(rows: ConfigRows): Config {
  return {
    versions: rows.versions,
    apiKeysByHash: byHash(rows.apiKeys),
    providersById: byProviderId(rows.providers),
    modelsByName: byModelName(rows.models),
    limits: rows.limits,
    providerKeys: byProvider(rows.providerKeys),
    loadBalanceGroupsById: byGroupId(rows.loadBalanceGroups),
    settings: settingsOf(rows.settings),
    customersById: byCustomer(rows.customers),
    cacheGenerations: byScope(rows.cacheGenerations),
    prompts: indexPrompts(rows.prompts),
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

function byProvider(rows: ProviderKeyRow[]): Map<string, ProviderKeyRow[]> {
  const byId = new Map<string, ProviderKeyRow[]>()
  for (const row of rows) byId.set(row.providerId, [...(byId.get(row.providerId) ?? []), row])
  return byId
}

function byGroupId(rows: LoadBalanceGroupRow[]): Map<string, LoadBalanceGroupRow> {
  return new Map(rows.map((row) => [row.groupId, row]))
}

function byCustomer(rows: CustomerBudgets[]): Map<string, CustomerBudgets> {
  return new Map(rows.map((row) => [row.customerIdentifier, row]))
}

function byScope(rows: CacheGenerationRow[]): Map<string, number> {
  return new Map(rows.map(({ scope, subject, beganAtMs }) => [`${scope}:${subject}`, beganAtMs]))
}

const NOTHING_SET: Settings = {}

function settingsOf([row]: SettingsRow[]): Settings {
  return row?.value ?? NOTHING_SET
}

async function readLastGood({ CACHE }: ConfigEnv): Promise<Config | undefined> {
  const stored = lastGoodSchema.safeParse(await CACHE?.get(LAST_GOOD, 'json'))
  return stored.success ? indexed(stored.data) : undefined
}

// Written only when it differs from what is there: many isolates load each change, and KV takes one write a second.
async function keepLastGood({ CACHE }: ConfigEnv, config: Config): Promise<void> {
  if (CACHE === undefined) return
  const version = JSON.stringify([LAST_GOOD_FORMAT, config.versions])
  const stored = await CACHE.getWithMetadata<{ version: string }>(LAST_GOOD, 'stream')
  await stored.value?.cancel()
  if (stored.metadata?.version === version) return
  const rows = {
    format: LAST_GOOD_FORMAT,
    versions: config.versions,
    apiKeys: [...config.apiKeysByHash.values()],
    providers: [...config.providersById.values()],
    models: [...config.modelsByName.values()],
    limits: config.limits,
    providerKeys: [...config.providerKeys.values()].flat(),
    loadBalanceGroups: [...config.loadBalanceGroupsById.values()],
    settings: [{ id: 1, value: config.settings, updatedAtMs: 0 }],
    customers: [...config.customersById.values()],
    prompts: config.prompts.rows,
    cacheGenerations: [...config.cacheGenerations].map(([name, beganAtMs]) => {
      const [scope = '', ...subject] = name.split(':')
      return { scope, subject: subject.join(':'), beganAtMs }
    }),
  }
  await CACHE.put(LAST_GOOD, JSON.stringify(rows), { metadata: { version } })
}

function isRow(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}
