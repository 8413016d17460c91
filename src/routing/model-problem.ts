import { SluiceError } from '../platform/failure'
import { catalogProviderOfModel, findCatalogProvider } from '../providers/catalog'
import { resolveModel, type Surroundings } from './resolve'

/**
 * The provider behind a model's name, or what is wrong with the name. A provider that cannot be called from here yet is
 * one all the same: its variables may be set later, and a credential may bring its own place.
 */
export function providerOfModel(
  name: string,
  around: Surroundings,
): { providerId: string } | { problem: string } {
  try {
    return { providerId: resolveModel(name, around).providerId }
  } catch (cause) {
    if (!(cause instanceof SluiceError)) throw cause
    if (cause.failure.kind === 'not_found') return { problem: cause.failure.message }
    return { providerId: unresolved(name, around) }
  }
}

/** Names by the way that resolving takes, for a provider whose URL cannot be told. */
function unresolved(name: string, around: Surroundings): string {
  const row = around.config.modelsByName.get(name)
  const base = row?.baseModelName ?? row?.upstreamModel ?? name
  if (row?.providerId !== undefined && row.providerId !== null) return row.providerId
  if (base !== name && around.config.modelsByName.has(base)) return unresolved(base, around)
  const prefix = base.slice(0, Math.max(0, base.indexOf('/')))
  if (around.config.providersById.has(prefix)) return prefix
  return findCatalogProvider(prefix)?.id ?? catalogProviderOfModel(base)?.id ?? prefix
}
