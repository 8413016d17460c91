import type {
  ApiKeyRow,
  CustomerBudgets,
  LoadBalanceGroupRow,
  ModelRow,
  ProviderKeyRow,
  ProviderRow,
  SettingsRow,
} from './config-schema'
import type { Settings } from './settings'

/** API keys by the hash of their text. */
export function byHash(rows: ApiKeyRow[]): Map<string, ApiKeyRow> {
  return new Map(rows.map((row) => [row.hash, row]))
}

/** Custom providers by id. */
export function byProviderId(rows: ProviderRow[]): Map<string, ProviderRow> {
  return new Map(rows.map((row) => [row.providerId, row]))
}

/** Custom models by name. */
export function byModelName(rows: ModelRow[]): Map<string, ModelRow> {
  return new Map(rows.map((row) => [row.modelName, row]))
}

/** The further keys of each provider that has some. */
export function byProvider(rows: ProviderKeyRow[]): Map<string, ProviderKeyRow[]> {
  const byId = new Map<string, ProviderKeyRow[]>()
  for (const row of rows) byId.set(row.providerId, [...(byId.get(row.providerId) ?? []), row])
  return byId
}

/** Load balance groups by id. */
export function byGroupId(rows: LoadBalanceGroupRow[]): Map<string, LoadBalanceGroupRow> {
  return new Map(rows.map((row) => [row.groupId, row]))
}

/** Customers by their identifier. */
export function byCustomer(rows: CustomerBudgets[]): Map<string, CustomerBudgets> {
  return new Map(rows.map((row) => [row.customerIdentifier, row]))
}

const NOTHING_SET: Settings = {}

/** What was set for all requests; nothing when there is no row. */
export function settingsOf([row]: SettingsRow[]): Settings {
  return row?.value ?? NOTHING_SET
}
