import { type Brought, withBrought } from '../providers/brought'
import type { Credential, Target } from '../providers/target'
import type { CallerKeys } from './caller-keys'
import type { Candidate } from './candidates'
import { drawn, hashOf, type Luck } from './draw'
import type { Surroundings } from './resolve'
import type { RoutingSources } from './sources'

/** What decides which keys a target is called with. */
export interface KeySurroundings {
  around: Surroundings
  sources: RoutingSources
  callers: CallerKeys | undefined
  luck: Luck
}

/**
 * A target once for each key that it may be called with, in the order in which they are drawn. The first kind that
 * there is counts: `credential_override`, the entry's own credentials, `customer_credentials`, `customer_api_keys`,
 * stored keys, worker secrets.
 */
export function deploymentsOf(target: Target, candidate: Candidate, given: KeySurroundings): Target[] {
  if (target.builtIn === true) return [target]
  const { callers } = given
  const override = byName(callers?.overrides, target, candidate)
  const own = override ?? candidate.brought
  if (own !== undefined) return [brought(target, own, given)]
  if (candidate.stored !== undefined)
    return [
      candidate.stored.on(target, given.around) ?? elsewhere(target, "The load balance group's credential"),
    ]
  const keys = callers?.ofProviders
    .get(target.providerId)
    ?.filter((key) => serves(key, target, candidate.name))
  if (keys !== undefined && keys.length > 0) {
    const about = (key: (typeof keys)[number]) => ({ id: key.brought.at, weight: key.weight })
    return several(drawn(keys, about, given.luck).map((key) => brought(target, key.brought, given)))
  }
  const ofModel = byName(callers?.ofModels, target, candidate)
  return ofModel === undefined
    ? storedDeployments(target, candidate, given)
    : [brought(target, ofModel, given)]
}

/** Which deployment a target is: what fails, cools down or is met twice in a plan is this. */
export function deploymentKey({ providerId, upstreamModel, credential, url }: Target): string {
  return `${providerId}|${upstreamModel}|${url}|${keyText(credential)}`
}

// A key of the caller's is not kept anywhere, this included.
function keyText(credential: Credential): string {
  switch (credential.kind) {
    case 'none':
      return ''
    case 'secret':
      return credential.name
    case 'stored':
      return credential.sealed
    case 'request':
      return String(hashOf(credential.text))
  }
}

function storedDeployments(target: Target, candidate: Candidate, given: KeySurroundings): Target[] {
  const { sources, luck } = given
  const keys = sources.keys?.get(target.providerId)?.filter((key) => serves(key, target, candidate.name))
  if (keys === undefined || keys.length === 0) return [target]
  // A custom provider's own key is one of its keys; a worker secret is only for when there are none.
  const own = target.credential.kind === 'stored' ? [{ id: '', weight: 1, target }] : []
  const further = keys.flatMap((key) => {
    const called = key.on(target, given.around)
    return called === undefined ? [] : [{ id: key.name, weight: key.weight, target: called }]
  })
  const all = [...own, ...further]
  return all.length === 0 ? [target] : several(drawn(all, (one) => one, luck).map((one) => one.target))
}

function elsewhere(target: Target, what: string): Target {
  const message = `${what} was stored for another place of the provider '${target.providerId}'; store it again.`
  return { ...target, problem: { kind: 'provider_not_configured', message } }
}

function several(targets: Target[]): Target[] {
  return targets.map((target, index) => (index === 0 ? target : { ...target, reason: 'other_key' }))
}

function brought(target: Target, one: Brought, { around }: KeySurroundings): Target {
  const isCustom = around.config.providersById.has(target.providerId)
  return withBrought(target, one, { ...around, isCustom })
}

function byName(
  all: ReadonlyMap<string, Brought> | undefined,
  target: Target,
  { name }: Candidate,
): Brought | undefined {
  return all?.get(name) ?? all?.get(target.model)
}

function serves(
  {
    availableModels,
    excludeModels,
  }: {
    availableModels?: readonly string[] | null | undefined
    excludeModels?: readonly string[] | null | undefined
  },
  target: Target,
  name: string,
): boolean {
  if (excludeModels?.some((listed) => isMeant(listed, target, name)) === true) return false
  return availableModels?.some((listed) => isMeant(listed, target, name)) ?? true
}

/** Whether a list's item means a target: by the name it was asked by, its own, the provider's, or a beginning with `*`. */
export function isMeant(listed: string, { model, upstreamModel }: Target, name: string): boolean {
  const names = [name, model, upstreamModel]
  if (!listed.endsWith('*')) return names.includes(listed)
  return names.some((one) => one.startsWith(listed.slice(0, -1)))
}
