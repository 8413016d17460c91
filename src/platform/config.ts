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
import { ROW_KINDS, type RowKind, readRows } from './config-sections'
import type { Env } from './env'
import { SluiceError } from './failure'
import { indexPrompts, NO_PROMPTS, type PromptIndex } from './held-prompts'
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

const rowsSchema = z.object({
  versions: z.record(z.string(), z.number()),
  apiKeys: z.array(z.custom<ApiKeyRow>(isRow)),
  providers: z.array(z.custom<ProviderRow>(isRow)),
  models: z.array(z.custom<ModelRow>(isRow)),
  limits: z.array(z.custom<LimitRow>(isRow)),
  providerKeys: z.array(z.custom<ProviderKeyRow>(isRow)),
  loadBalanceGroups: z.array(z.custom<LoadBalanceGroupRow>(isRow)),
  settings: z.array(z.custom<SettingsRow>(isRow)),
  customers: z.array(z.custom<CustomerBudgets>(isRow)),
  cacheGenerations: z.array(z.custom<CacheGenerationRow>(isRow)),
  prompts: z.custom<PromptIndex['rows']>(isRow),
})
type ConfigRows = z.infer<typeof rowsSchema>

const { shape } = rowsSchema
const lastGoodSchema = z.extend(rowsSchema, {
  format: z.literal(LAST_GOOD_FORMAT),
  // A copy of a release before these sections has none of them.
  providerKeys: z._default(shape.providerKeys, []),
  loadBalanceGroups: z._default(shape.loadBalanceGroups, []),
  settings: z._default(shape.settings, []),
  customers: z._default(shape.customers, []),
  cacheGenerations: z._default(shape.cacheGenerations, []),
  prompts: z._default(shape.prompts, NO_PROMPTS.rows),
})
const movedSchema = z.partial(rowsSchema)

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
async function loadConfig({ CONFIG }: ConfigEnv, known: Config | undefined): Promise<Config> {
  if (known === undefined) return loadAll(CONFIG)
  const versions = versionsIn(await readRows(CONFIG, ['versions']))
  const moved = Object.keys(versions).filter((section) => versions[section] !== known.versions[section])
  if (moved.length === 0) return known
  // The versions are older than the rows read after them, never newer: a change in between is read again next time.
  const read = await readRows(
    CONFIG,
    moved.flatMap((section) => kindsOf[section] ?? []),
  )
  const rows = movedSchema.parse(withPrompts(read))
  return { ...known, ...indexedParts(rows), versions }
}

/** The kinds of rows of each section that has a version. */
const kindsOf: Readonly<Record<string, readonly RowKind[]>> = {
  api_keys: ['apiKeys'],
  providers: ['providers'],
  models: ['models'],
  limits: ['limits'],
  provider_keys: ['providerKeys'],
  load_balance_groups: ['loadBalanceGroups'],
  settings: ['settings'],
  customers: ['customers'],
  cache_generations: ['cacheGenerations'],
  prompts: ['prompts', 'promptVersions', 'promptLabels', 'promptExperiments'],
}

async function loadAll(database: D1Database): Promise<Config> {
  const read = await readRows(database, ROW_KINDS)
  return indexed(rowsSchema.parse({ ...withPrompts(read), versions: versionsIn(read) }))
}

function versionsIn({ versions = [] }: Partial<Record<RowKind, unknown[]>>): Record<string, number> {
  return Object.fromEntries(versions.map(Object).map(({ section, version }) => [section, Number(version)]))
}

/** Of prompts there is all or nothing: a version is never without its prompt. */
function withPrompts(read: Partial<Record<RowKind, unknown[]>>) {
  const { versions: _, prompts, promptVersions, promptLabels, promptExperiments, ...rest } = read
  if (prompts === undefined) return rest
  const all = { prompts, versions: promptVersions, labels: promptLabels, experiments: promptExperiments }
  return { ...rest, prompts: all }
}

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

function indexedParts(rows: z.infer<typeof movedSchema>): Partial<Config> {
  const part = <Rows, Part extends object>(given: Rows | undefined, index: (given: Rows) => Part) =>
    given === undefined ? {} : index(given)
  return {
    ...part(rows.apiKeys, (given) => ({ apiKeysByHash: byHash(given) })),
    ...part(rows.providers, (given) => ({ providersById: byProviderId(given) })),
    ...part(rows.models, (given) => ({ modelsByName: byModelName(given) })),
    ...part(rows.limits, (given) => ({ limits: given })),
    ...part(rows.providerKeys, (given) => ({ providerKeys: byProvider(given) })),
    ...part(rows.loadBalanceGroups, (given) => ({ loadBalanceGroupsById: byGroupId(given) })),
    ...part(rows.settings, (given) => ({ settings: settingsOf(given) })),
    ...part(rows.customers, (given) => ({ customersById: byCustomer(given) })),
    ...part(rows.cacheGenerations, (given) => ({ cacheGenerations: byScope(given) })),
    ...part(rows.prompts, (given) => ({ prompts: indexPrompts(given) })),
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
