import type { WireProtocolId } from '../protocols/protocol'
import { clouds } from './catalog-clouds.ts'
import { hosts } from './catalog-hosts.ts'
import { labs } from './catalog-labs.ts'
import { locals, routers } from './catalog-routers.ts'
import type { CatalogProvider, Endpoint } from './catalog-row'
import { look } from './variables.ts'

/** Every built-in provider; base URLs as the providers' own documentation had them in November 2026. */
export const catalog: readonly CatalogProvider[] = [...labs, ...hosts, ...clouds, ...routers, ...locals]

const byPrefix = new Map(
  catalog.flatMap((row) => [row.id, ...(row.aliases ?? [])].map((prefix) => [prefix, row] as const)),
)
const withModels = catalog.filter((row) => row.models !== undefined)

/** The row behind a `{provider}/` prefix: its id, or another gateway's spelling of it. */
export function findCatalogProvider(idOrAlias: string): CatalogProvider | undefined {
  return byPrefix.get(idOrAlias)
}

/** The row a slug without a provider prefix belongs to (`gpt-4o`, `claude-sonnet-4-5`), if it is anyone's own. */
export function catalogProviderOfModel(bareSlug: string): CatalogProvider | undefined {
  return withModels.find((row) => row.models?.test(bareSlug))
}

/** Whether one of the secrets that enable a provider is set. */
export function isEnabled(row: CatalogProvider, variable: (name: string) => string | undefined): boolean {
  return row.secrets.some((name) => variable(name) !== undefined)
}

/**
 * Where a provider is asked: the endpoint that speaks the wanted protocol, else the one that it does best. `model` and
 * `variable` leave out those that do not serve the model or are for another configuration.
 */
export function endpointFor(
  row: CatalogProvider,
  wanted: WireProtocolId,
  given: { model?: string; variable?: (name: string) => string | undefined } = {},
): Endpoint {
  const usable = row.endpoints.filter((endpoint) => isUsable(endpoint, given))
  return usable.find(({ protocol }) => protocol === wanted) ?? usable[0] ?? row.endpoints[0]
}

function isUsable(
  { models, onlyWith, onlyWithout }: Endpoint,
  given: { model?: string; variable?: (name: string) => string | undefined },
): boolean {
  const isSet = (name: string) => given.variable !== undefined && look(name, given.variable) !== undefined
  if (onlyWith !== undefined && !isSet(onlyWith)) return false
  if (onlyWithout !== undefined && isSet(onlyWithout)) return false
  return models === undefined || given.model === undefined || models.test(given.model)
}
