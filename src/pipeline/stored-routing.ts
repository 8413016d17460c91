import type { Config } from '../platform/config'
import type { SealedCredential } from '../platform/config-schema'
import { hasAny } from '../platform/settings'
import { placed } from '../providers/brought'
import { customAuth } from '../providers/custom-auth'
import type { Target } from '../providers/target'
import { problemWithBaseUrl } from '../providers/upstream-url'
import { credentialAt } from '../routing/credential-home'
import type { Surroundings } from '../routing/resolve'
import type { RetryDefaults, RoutingSources, StoredCredential } from '../routing/sources'

const known = new WeakMap<Config, RoutingSources>()

/** What is stored of routing, as the plan wants it; made once for each state of the configuration. */
export function sourcesOf(config: Config): RoutingSources {
  const before = known.get(config)
  if (before !== undefined) return before
  const { fallback_models: fallbackModels } = config.settings
  const sources: RoutingSources = {
    groups: groupsOf(config),
    keys: keysOf(config),
    ...(fallbackModels === undefined ? {} : { fallbackModels }),
  }
  known.set(config, sources)
  return sources
}

function groupsOf({ loadBalanceGroupsById }: Config): NonNullable<RoutingSources['groups']> {
  return new Map(
    [...loadBalanceGroupsById].map(([id, { models }]) => [
      id,
      {
        models: models.map(({ model, weight, sealedCredentials: sealed }) =>
          sealed === undefined
            ? { model, weight }
            : { model, weight, credentials: storedCredential(sealed, 'load_balance') },
        ),
      },
    ]),
  )
}

function keysOf({ providerKeys }: Config): NonNullable<RoutingSources['keys']> {
  return new Map(
    [...providerKeys].map(([id, rows]) => [
      id,
      rows.map(({ name, weight, availableModels, excludeModels, credential }) => ({
        ...{ name, weight, availableModels, excludeModels },
        ...storedCredential(credential),
      })),
    ]),
  )
}

/**
 * How the calls of a request that does not say so itself are repeated: as its model does, and what that leaves out as
 * the platform's settings do. Somebody who sets any of it wants retries, unless it is that they are not wanted.
 */
export function retryDefaultsOf(
  { settings, modelsByName }: Pick<Config, 'settings' | 'modelsByName'>,
  model: string | undefined,
): RetryDefaults | undefined {
  const { retry_params: ofPlatform } = settings
  const ofModel = model === undefined ? undefined : modelsByName.get(model)?.retryParams
  const first = hasAny(ofModel ?? undefined) ? ofModel : ofPlatform
  if (first === undefined || first === null || !hasAny(first)) return undefined
  const { retry_enabled: isEnabled = true } = first
  const { num_retries: retries = 3, retry_after: seconds = 0.2 } = { ...ofPlatform, ...first }
  return { isEnabled, retries, firstWaitMs: Math.ceil(seconds * 1_000) }
}

function storedCredential(sealed: SealedCredential, from?: 'load_balance'): StoredCredential {
  return {
    on(target, around) {
      if (sealed.providerId !== target.providerId) return undefined
      const called = inItsPlace(target, sealed, around)
      if (called === undefined || called.problem !== undefined) return called
      const credential = credentialAt(called, sealed)
      if (credential === undefined || credential.kind !== 'stored') return undefined
      const auth = called.auth.kind === 'none' ? customAuth(called.protocol, called.url) : called.auth
      return { ...called, auth, credential: from === undefined ? credential : { ...credential, from } }
    },
  }
}

function inItsPlace(target: Target, { place }: SealedCredential, around: Surroundings): Target | undefined {
  if (place === undefined) return target
  const base = place['api_base']
  // What was allowed when it was stored need not be any more.
  if (base !== undefined && problemWithBaseUrl(base, around.mayBePrivate) !== undefined) return undefined
  return placed(target, place, { ...around, isCustom: around.config.providersById.has(target.providerId) })
}
