import { eq, gt, isNotNull, isNull, or } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import * as z from 'zod'
import {
  byCustomer,
  byGroupId,
  byHash,
  byModelName,
  byProvider,
  byProviderId,
  settingsOf,
} from './config-maps'
import type {
  ApiKeyRow,
  CustomerBudgets,
  LimitRow,
  LoadBalanceGroupRow,
  ModelRow,
  ProviderKeyRow,
  ProviderRow,
  SettingsRow,
} from './config-schema'
import {
  apiKeys,
  configVersions,
  customers,
  limits,
  loadBalanceGroups,
  models,
  providerKeys,
  providers,
  settings,
} from './config-schema'
import type { Env } from './env'
import { SluiceError } from './failure'
import {
  indexPrompts,
  NO_PROMPTS,
  type PromptIndex,
  promptQueries,
  promptRows,
  readPrompts,
} from './held-prompts'
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
  prompts: PromptIndex
}

/** For so long an expired temporary key is told that it has expired. */
const EXPIRED_KEY_MS = 24 * 60 * 60 * 1_000
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
  providerKeys: z.array(z.custom<ProviderKeyRow>(isRow)).default([]),
  loadBalanceGroups: z.array(z.custom<LoadBalanceGroupRow>(isRow)).default([]),
  settings: z.array(z.custom<SettingsRow>(isRow)).default([]),
  customers: z.array(z.custom<CustomerBudgets>(isRow)).default([]),
  prompts: z.custom<PromptIndex['rows']>(isRow).default(NO_PROMPTS.rows),
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
    prompts: prompts ?? known.prompts,
  }
}

const budgetColumns = {
  customerIdentifier: customers.customerIdentifier,
  periodBudget: customers.periodBudget,
  budgetDuration: customers.budgetDuration,
  periodStartMs: customers.periodStartMs,
  periodEndMs: customers.periodEndMs,
  totalBudget: customers.totalBudget,
  rateLimit: customers.rateLimit,
  markupPercentage: customers.markupPercentage,
}

/** One query for each section; none runs before it is awaited. */
function sections(database: ReturnType<typeof drizzle>) {
  return {
    // Temporary keys are many, and of one that is long over there is nothing to say but that it is not valid.
    apiKeys: database
      .select()
      .from(apiKeys)
      .where(
        or(
          eq(apiKeys.isTemporary, false),
          isNull(apiKeys.expiresAtMs),
          gt(apiKeys.expiresAtMs, Date.now() - EXPIRED_KEY_MS),
        ),
      ),
    providers: database.select().from(providers),
    models: database.select().from(models),
    limits: database.select().from(limits),
    providerKeys: database.select().from(providerKeys).orderBy(providerKeys.name),
    loadBalanceGroups: database.select().from(loadBalanceGroups),
    settings: database.select().from(settings),
    ...promptQueries(database),
    customers: database
      .select(budgetColumns)
      .from(customers)
      .where(
        or(
          isNotNull(customers.periodBudget),
          isNotNull(customers.totalBudget),
          isNotNull(customers.rateLimit),
        ),
      ),
  }
}

async function loadAll(env: Env): Promise<Config> {
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
    prompts: indexPrompts(rows.prompts),
  }
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
    providerKeys: [...config.providerKeys.values()].flat(),
    loadBalanceGroups: [...config.loadBalanceGroupsById.values()],
    settings: [{ id: 1, value: config.settings, updatedAtMs: 0 }],
    customers: [...config.customersById.values()],
    prompts: config.prompts.rows,
  }
  await env.CACHE.put(LAST_GOOD, JSON.stringify(rows), { metadata: { version } })
}

function isRow(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}
