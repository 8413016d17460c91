import type { Config } from '../platform/config'
import type { ModelRow, ProviderRow } from '../platform/config-schema'
import { SluiceError } from '../platform/failure'
import { timeoutsInMs } from '../platform/settings'
import type { WireProtocolId } from '../protocols/protocol'
import { isWireProtocolId } from '../protocols/table'
import { catalog, catalogProviderOfModel, findCatalogProvider, isEnabled } from '../providers/catalog'
import { catalogTarget } from '../providers/catalog-target'
import { customAuth, customStyle } from '../providers/custom-auth'
import { demoProvider } from '../providers/demo-row'
import { knownModels } from '../providers/known-models'
import { traitsOf } from '../providers/model-traits'
import type { Auth, Target } from '../providers/target'
import { problemWithBaseUrl, upstreamBase } from '../providers/upstream-url'
import { nearest } from './nearest'

/** What resolving a name needs to know; all of it is in memory. */
export interface Surroundings {
  config: Config
  /** A worker variable or secret by name. */
  variable(name: string): string | undefined
  mayBePrivate: boolean
  /** The client's protocol: a provider that speaks it is asked in it. Absent where it does not matter. */
  speaks?: WireProtocolId
  /** A provider that cannot be called from here becomes a target with a `problem` instead of an error. */
  keepsProblems?: true
}

const MAX_BASE_DEPTH = 5

/**
 * The target that a model name means: a custom model, then `{provider}/{model}`, then a known bare slug.
 * @throws SluiceError `not_found` with names that are near, or with what is missing to reach the provider
 */
export function resolveModel(name: string, around: Surroundings): Target {
  const target = findModel(name, around)
  if (target !== undefined) return target
  throw unknownModel(name, around)
}

function findModel(name: string, around: Surroundings): Target | undefined {
  const custom = around.config.modelsByName.get(name)
  return custom === undefined ? targetOfSlug(name, around) : targetOfModel(custom, around, 0)
}

/** The target of a custom model: its own provider's, or its base model's, with its own prices and name. */
function targetOfModel(row: ModelRow, around: Surroundings, depth: number): Target {
  const renamed =
    row.upstreamModel === null || row.baseModelName === null
      ? {}
      : { upstreamModel: row.upstreamModel, traits: traitsOf(row.upstreamModel) }
  const window = row.maxContextWindow === null ? {} : { contextWindow: row.maxContextWindow }
  const own = { model: row.modelName, ...pricesOf(row), ...renamed, ...window }
  if (row.providerId !== null) {
    const upstreamModel = row.upstreamModel ?? row.modelName
    const target = targetOfProvider(row.providerId, upstreamModel, around)
    if (target !== undefined) return withOwn(target, own, row)
    throw new SluiceError({
      kind: 'not_found',
      code: 'provider_not_found',
      param: 'model',
      message: `The model '${row.modelName}' belongs to the provider '${row.providerId}', which does not exist.`,
    })
  }
  const baseName = row.baseModelName ?? row.upstreamModel ?? row.modelName
  const base = baseName === row.modelName ? undefined : around.config.modelsByName.get(baseName)
  if (base !== undefined && depth < MAX_BASE_DEPTH)
    return withOwn(targetOfModel(base, around, depth + 1), own, row)
  const target = targetOfSlug(baseName, around)
  if (target !== undefined) return withOwn(target, own, row)
  throw unknownModel(baseName, around)
}

// Deadlines are laid one by one over those of the base.
function withOwn(target: Target, own: Partial<Target>, { timeouts }: ModelRow): Target {
  if (timeouts === null || timeouts === undefined) return { ...target, ...own }
  return { ...target, ...own, timeouts: { ...target.timeouts, ...timeoutsInMs(timeouts) } }
}

function targetOfSlug(name: string, around: Surroundings): Target | undefined {
  const slash = name.indexOf('/')
  if (slash > 0) {
    const target = targetOfProvider(name.slice(0, slash), name.slice(slash + 1), around)
    if (target !== undefined) return target
  }
  const known = catalogProviderOfModel(name)
  return known === undefined ? undefined : targetOfProvider(known.id, name, around)
}

/** A pattern such as `{provider}/*` under the provider's own id. */
export function canonicalPattern(pattern: string, around: Surroundings): string {
  const slash = pattern.indexOf('/')
  const prefix = pattern.slice(0, slash)
  if (slash <= 0 || around.config.providersById.has(prefix)) return pattern
  return `${findCatalogProvider(prefix)?.id ?? prefix}${pattern.slice(slash)}`
}

/** The one name of a model that has several (an alias of its provider, a bare slug); an unknown name is its own. */
export function canonicalName(name: string, around: Surroundings): string {
  try {
    return findModel(name, around)?.model ?? name
  } catch {
    return name
  }
}

/** The target of a provider's model, which is not checked against any list; undefined for an unknown provider. */
export function targetOfProvider(
  providerId: string,
  upstreamModel: string,
  around: Surroundings,
): Target | undefined {
  const custom = around.config.providersById.get(providerId)
  if (custom !== undefined)
    return orProblem(() => targetOfCustom(custom, upstreamModel, around), providerId, upstreamModel, around)
  if (providerId === demoProvider.providerId) return demoTarget(upstreamModel)
  const known = findCatalogProvider(providerId)
  if (known === undefined) return undefined
  const speaks = around.speaks ?? 'openai-chat'
  return orProblem(() => catalogTarget(known, upstreamModel, speaks, around), known.id, upstreamModel, around)
}

// A provider that is not set up here must not keep the others in a plan from answering.
function orProblem(
  make: () => Target,
  providerId: string,
  upstreamModel: string,
  { keepsProblems }: Surroundings,
): Target {
  if (keepsProblems !== true) return make()
  try {
    return make()
  } catch (cause) {
    if (!(cause instanceof SluiceError)) throw cause
    const { failure } = cause
    if (failure.kind !== 'provider_not_configured' && failure.kind !== 'upstream_unreachable') throw cause
    return {
      providerId,
      model: `${providerId}/${upstreamModel}`,
      upstreamModel,
      protocol: 'openai-chat',
      traits: traitsOf(upstreamModel),
      url: '',
      auth: { kind: 'none' },
      credential: { kind: 'none' },
      problem: failure,
    }
  }
}

/** The one id of a provider, whichever of its names it is called by; undefined for one that there is not. */
export function providerIdOf(name: string, { config }: Pick<Surroundings, 'config'>): string | undefined {
  return config.providersById.has(name) || name === demoProvider.providerId
    ? name
    : findCatalogProvider(name)?.id
}

function demoTarget(upstreamModel: string): Target | undefined {
  const isServed = upstreamModel === '' || demoProvider.models.some((model) => model === upstreamModel)
  return isServed
    ? { ...demoProvider.target, upstreamModel, model: `${demoProvider.providerId}/${upstreamModel}` }
    : undefined
}

/** What a stored provider's URL comes to, worked out once per row: the rows of a snapshot never change. */
interface Place {
  problem: string | undefined
  privateProblem: string | undefined
  /** By the protocol that is spoken there. */
  spots: Map<WireProtocolId, Spot>
  context: string
}

/** Where and how a protocol is spoken. */
type Spot = Pick<Target, 'url' | 'auth' | 'urlStyle' | 'bodyEdits'>

const places = new WeakMap<ProviderRow, Place>()

function placeOf(row: ProviderRow): Place {
  const known = places.get(row)
  if (known !== undefined) return known
  const privateProblem = problemWithBaseUrl(row.baseUrl, true)
  const place = {
    problem: problemWithBaseUrl(row.baseUrl, false),
    privateProblem,
    spots: new Map<WireProtocolId, Spot>(),
    context: privateProblem === undefined ? sealContext(row.providerId, row.baseUrl) : '',
  }
  places.set(row, place)
  return place
}

function targetOfCustom(row: ProviderRow, upstreamModel: string, around: Surroundings): Target {
  const { spots, context, ...place } = placeOf(row)
  const problem = around.mayBePrivate ? place.privateProblem : place.problem
  const spoken = row.protocols.filter(isWireProtocolId)
  const protocol = spoken.find((one) => one === around.speaks) ?? spoken[0]
  if (problem !== undefined || protocol === undefined) {
    const message = problem ?? 'it speaks none of the protocols that this release does.'
    throw new SluiceError({ kind: 'upstream_unreachable', provider: row.providerId, message })
  }
  const spot = spots.get(protocol) ?? spotOf(row, protocol)
  spots.set(protocol, spot)
  return {
    ...spot,
    providerId: row.providerId,
    model: `${row.providerId}/${upstreamModel}`,
    upstreamModel,
    protocol,
    traits: traitsOf(upstreamModel),
    credential:
      row.sealedApiKey === null ? { kind: 'none' } : { kind: 'stored', sealed: row.sealedApiKey, context },
    ...(row.sealedHeaders === null ? {} : { sealedHeaders: { sealed: row.sealedHeaders, context } }),
    ...(row.timeoutMs === null ? {} : { timeoutMs: row.timeoutMs }),
    ...(row.defaults === null ? {} : { defaults: row.defaults }),
  }
}

function spotOf(row: ProviderRow, protocol: WireProtocolId): Spot {
  const url = upstreamBase(row.baseUrl, protocol)
  const auth: Auth = row.sealedApiKey === null ? { kind: 'none' } : customAuth(protocol, url)
  return { url, auth, ...customStyle(protocol, url) }
}

/** What sealed text of a provider is bound to: its id and host, so that it opens for no other. */
export function sealContext(providerId: string, baseUrl: string): string {
  return `provider:${providerId}@${new URL(baseUrl).host}`
}

function pricesOf(row: ModelRow): Pick<Target, 'prices'> {
  const { inputCost, outputCost, cacheHitInputCost, cacheCreationInputCost } = row
  if (inputCost === null && outputCost === null) return {}
  return { prices: { inputCost, outputCost, cacheHitInputCost, cacheCreationInputCost } }
}

function unknownModel(name: string, around: Surroundings): SluiceError {
  const near = nearest(name, modelNames(around))
  const hint =
    near.length === 0
      ? 'GET /v1/models lists what there is.'
      : `Did you mean ${near.map((one) => `'${one}'`).join(', ')}?`
  return new SluiceError({
    kind: 'not_found',
    code: 'model_not_found',
    param: 'model',
    message: `Requested model '${name}' is not available in the model list. ${hint}`,
  })
}

/** Whether a name means a model without being stored as one. */
export function isKnownModelName(name: string, around: Surroundings): boolean {
  return targetOfSlug(name, around) !== undefined
}

/** The models that can be called by name here: built in, custom, and the known ones of providers that have a key. */
export function modelNames(around: Surroundings): string[] {
  const ofCatalog = catalog
    .filter((row) => isEnabled(row, around.variable))
    .flatMap((row) => knownModels(row.id).map((model) => `${row.id}/${model}`))
  const demo = demoProvider.models.map((model) => `${demoProvider.providerId}/${model}`)
  return [...demo, ...around.config.modelsByName.keys(), ...ofCatalog]
}
