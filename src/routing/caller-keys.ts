import { SluiceError } from '../platform/failure'
import type { Brought } from '../providers/brought'
import type { RoutingParameters } from './parameters'
import { canonicalName, providerIdOf, resolveModel, type Surroundings } from './resolve'

/** One of the keys that a request brought for a provider. */
export interface CallerKey {
  weight: number
  brought: Brought
  availableModels?: readonly string[] | null | undefined
  excludeModels?: readonly string[] | null | undefined
}

/** Every credential that a request brought, by what it is for. */
export interface CallerKeys {
  /** By the name of a model, as it was written and as it is here. */
  overrides: ReadonlyMap<string, Brought>
  ofProviders: ReadonlyMap<string, readonly CallerKey[]>
  /** The deprecated keys by model, below the others. */
  ofModels: ReadonlyMap<string, Brought>
}

/**
 * The credentials that a request brought; undefined when it brought none.
 * @throws SluiceError naming a model or provider that there is not
 */
export function callerKeys(parameters: RoutingParameters, around: Surroundings): CallerKeys | undefined {
  const { credential_override, customer_credentials, customer_api_keys } = parameters
  if (!credential_override && !customer_credentials && !customer_api_keys) return undefined
  const overrides = Object.entries(credential_override ?? {}).map(([name, fields]) => {
    const at = `credential_override.${name}`
    return { name, at, brought: { from: 'override' as const, at, fields } }
  })
  const ofModels = Object.entries(customer_api_keys ?? {}).map(([name, api_key]) => {
    const at = `customer_api_keys.${name}`
    return { name, at, brought: { from: 'customer' as const, at, fields: { api_key } } }
  })
  return {
    overrides: byModel(overrides, around),
    ofProviders: byProvider(customer_credentials, around),
    ofModels: byModel(ofModels, around),
  }
}

function byModel(
  all: readonly { name: string; at: string; brought: Brought }[],
  around: Surroundings,
): Map<string, Brought> {
  const found = new Map<string, Brought>()
  for (const { name, at, brought } of all) {
    mustBeKnown(name, at, around)
    found.set(canonicalName(name, around), brought)
  }
  // What was written itself goes before what is only another name of it.
  for (const { name, brought } of all) found.set(name, brought)
  return found
}

function mustBeKnown(name: string, param: string, around: Surroundings): void {
  try {
    resolveModel(name, around)
  } catch (cause) {
    if (!(cause instanceof SluiceError) || cause.failure.kind !== 'not_found') throw cause
    throw new SluiceError({ ...cause.failure, param })
  }
}

function byProvider(
  given: RoutingParameters['customer_credentials'],
  around: Surroundings,
): Map<string, CallerKey[]> {
  const found = new Map<string, CallerKey[]>()
  const add = (name: string, at: string, key: CallerKey) => {
    const id = providerIdOf(name, around)
    if (id === undefined) throw unknownProvider(name, at)
    found.set(id, [...(found.get(id) ?? []), key])
  }
  if (Array.isArray(given)) {
    for (const [index, deployment] of given.entries())
      for (const [name, fields] of Object.entries(deployment.credentials)) {
        const at = `customer_credentials.${index}.credentials.${name}`
        add(name, at, keyOf(deployment, { from: 'customer', at, fields }))
      }
    return found
  }
  for (const [name, own] of Object.entries(given ?? {})) {
    const at = `customer_credentials.${name}`
    if (!Array.isArray(own)) add(name, at, { weight: 1, brought: { from: 'customer', at, fields: own } })
    else
      for (const [index, key] of own.entries()) {
        const brought = {
          from: 'customer' as const,
          at: `${at}.${index}.credentials`,
          fields: key.credentials,
        }
        add(name, at, keyOf(key, brought))
      }
  }
  return found
}

function keyOf(
  given: {
    weight: number
    available_models?: string[] | null | undefined
    exclude_models?: string[] | null | undefined
  },
  brought: Brought,
): CallerKey {
  return {
    weight: given.weight,
    brought,
    availableModels: given.available_models,
    excludeModels: given.exclude_models,
  }
}

function unknownProvider(name: string, param: string): SluiceError {
  return new SluiceError({
    kind: 'not_found',
    code: 'provider_not_found',
    param,
    message: `There is no provider named '${name}'.`,
  })
}
