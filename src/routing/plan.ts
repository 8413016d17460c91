import { SluiceError } from '../platform/failure'
import type { Target } from '../providers/target'
import { callerKeys } from './caller-keys'
import { type Candidate, firstCandidates, requestedFallbacks } from './candidates'
import { deploymentKey, deploymentsOf, isMeant, type KeySurroundings } from './deployments'
import { drawn, type Luck } from './draw'
import type { RoutingParameters } from './parameters'
import { type Pin, pinned } from './pin'
import { canonicalName, canonicalPattern, providerIdOf, resolveModel, type Surroundings } from './resolve'
import type { RoutingSources } from './sources'

/** What of a request decides where it goes. */
export interface RouteRequest {
  model: string | undefined
  pin?: Pin
  parameters: RoutingParameters
  /** From the API key; undefined allows all. */
  allowedModels: readonly string[] | undefined
}

/** What a plan may draw and remember; the memory is asked for targets that failed a moment ago. */
export interface PlanLuck extends Luck {
  isCooling?(target: Target): boolean
}

interface Planning {
  request: RouteRequest
  around: Surroundings
  keys: KeySurroundings
}

/** The targets that may answer, in the order in which they are tried; at least one. Pure, but for the luck it is given. */
export function plan(
  request: RouteRequest,
  surroundings: Surroundings,
  luck: PlanLuck,
  sources: RoutingSources = {},
): Target[] {
  const around: Surroundings = { ...surroundings, keepsProblems: true }
  const callers = callerKeys(request.parameters, around)
  const planning: Planning = { request, around, keys: { around, sources, callers, luck } }
  const first = firstTargets(planning)
  const targets = distinct([...first, ...fallbackTargets(planning, first)])
  const [only] = targets
  if (targets.length > 1) return healthyFirst(targets, luck)
  if (only?.problem !== undefined) throw new SluiceError(only.problem)
  return targets
}

/** Whether an API key may call a model: its list holds one of the model's names, or `{provider}/*`. */
export function isAllowed(
  model: string,
  allowedModels: readonly string[] | undefined,
  around: Surroundings,
): boolean {
  if (allowedModels === undefined) return true
  return allowedModels.some((listed) => {
    if (listed === model) return true
    if (!listed.endsWith('*')) return canonicalName(listed, around) === model
    return (
      model.startsWith(canonicalPattern(listed, around).slice(0, -1)) || model.startsWith(listed.slice(0, -1))
    )
  })
}

function firstTargets(planning: Planning): Target[] {
  const { request, around, keys } = planning
  const { pin, model, parameters, allowedModels } = request
  if (pin !== undefined && pin.isProvider !== true) {
    const candidate = { name: model ?? '', param: 'model', reason: 'pinned', weight: 1 } as const
    return expanded(allowed(pinned(pin, model, around), request, around), candidate, planning)
  }
  const { candidates, isRouter } = firstCandidates(model, parameters, keys.sources)
  const all = candidates.map((candidate) => ({ candidate, target: resolved(candidate, planning) }))
  const [only] = all
  if (all.length === 1 && only !== undefined)
    return expanded(allowed(only.target, request, around), only.candidate, planning)
  const left = isRouter === true ? notExcluded(all, planning) : all
  const callable = left.filter(({ target }) => isAllowed(target.model, allowedModels, around))
  const [refused] = left
  if (callable.length === 0 && refused !== undefined) allowed(refused.target, request, around)
  const about = ({ candidate }: (typeof all)[number]) => ({
    id: `${candidate.name} ${candidate.param}`,
    weight: candidate.weight,
  })
  return drawn(callable, about, keys.luck).flatMap(({ target, candidate }) =>
    expanded(target, candidate, planning),
  )
}

/** The request's list or else the first model's own, and behind it the platform's. */
function fallbackTargets(planning: Planning, first: readonly Target[]): Target[] {
  const { request, around, keys } = planning
  const { pin, model, parameters, allowedModels } = request
  const requested = requestedFallbacks(model, parameters)
  // What is wrong in a list is told also when the list is not used.
  const own = requested?.map((candidate) => ({ candidate, target: resolved(candidate, planning) }))
  if (parameters.disable_fallback === true) return []
  if (pin !== undefined && pin.isProvider !== true) return []
  const stored = pin === undefined ? storedFallbacks(first[0], own !== undefined, keys.sources, around) : []
  const others = stored.flatMap((candidate) => {
    const target = knownTarget(candidate, planning)
    return target === undefined ? [] : [{ candidate, target }]
  })
  return [...(own ?? []), ...others]
    .filter(({ target }) => isAllowed(target.model, allowedModels, around))
    .flatMap(({ candidate, target }) => expanded(target, candidate, planning))
}

function storedFallbacks(
  first: Target | undefined,
  hasOwn: boolean,
  { fallbackModels = [] }: RoutingSources,
  { config }: Surroundings,
): Candidate[] {
  const ofModel = hasOwn || first === undefined ? [] : config.modelsByName.get(first.model)?.fallbackModels
  return [
    ...(ofModel ?? []).map((name) => fallback(name, 'fallback:model')),
    ...fallbackModels.map((name) => fallback(name, 'fallback:platform')),
  ]
}

function fallback(name: string, reason: 'fallback:model' | 'fallback:platform'): Candidate {
  return { name, param: 'fallback_models', reason, weight: 1 }
}

// A stored list may name what has been deleted since; that is no fault of the request's.
function knownTarget(candidate: Candidate, planning: Planning): Target | undefined {
  try {
    return resolved(candidate, planning)
  } catch (cause) {
    if (cause instanceof SluiceError && cause.failure.kind === 'not_found') return undefined
    throw cause
  }
}

function resolved({ name, param }: Candidate, { request, around }: Planning): Target {
  const { pin, parameters } = request
  try {
    const target = pin === undefined ? resolveModel(name, around) : pinned(pin, name, around)
    const renamed = parameters.model_name_map?.[name] ?? parameters.model_name_map?.[target.model]
    return renamed === undefined
      ? target
      : { ...target, upstreamModel: withoutPrefix(renamed, target, around) }
  } catch (cause) {
    const isUnknown = cause instanceof SluiceError && cause.failure.kind === 'not_found'
    if (!isUnknown || param === 'model') throw cause
    throw new SluiceError({ ...cause.failure, param })
  }
}

function withoutPrefix(name: string, { providerId }: Target, around: Surroundings): string {
  const slash = name.indexOf('/')
  return slash > 0 && providerIdOf(name.slice(0, slash), around) === providerId ? name.slice(slash + 1) : name
}

function expanded(target: Target, candidate: Candidate, { request, keys }: Planning): Target[] {
  const reason = request.pin !== undefined && candidate.reason === 'requested' ? 'pinned' : candidate.reason
  const named = reason === 'requested' ? target : { ...target, reason }
  return deploymentsOf(named, candidate, keys)
}

function notExcluded<Item extends { candidate: Candidate; target: Target }>(
  all: readonly Item[],
  { request: { parameters }, around }: Planning,
): Item[] {
  const { exclude_models: models, exclude_providers: providers } = parameters
  const ids = providers?.map((name) => providerIdOf(name, around) ?? name)
  const left = all.filter(
    ({ candidate, target }) =>
      models?.some((listed) => isMeant(listed, target, candidate.name)) !== true &&
      ids?.includes(target.providerId) !== true,
  )
  if (left.length > 0) return left
  throw new SluiceError({
    kind: 'invalid_request',
    code: 'invalid_parameter',
    param: models === undefined || models === null ? 'exclude_providers' : 'exclude_models',
    message: "Nothing is left of 'models' once what is excluded is taken out of it.",
  })
}

function distinct(targets: readonly Target[]): Target[] {
  if (targets.length < 2) return [...targets]
  const seen = new Set<string>()
  return targets.filter((target) => {
    const key = target.problem === undefined ? deploymentKey(target) : target.model
    const isNew = !seen.has(key)
    seen.add(key)
    return isNew
  })
}

// What failed a moment ago is tried last: all targets may answer, and it would only cost time.
function healthyFirst(targets: Target[], { isCooling }: PlanLuck): Target[] {
  if (isCooling === undefined) return targets
  const cooling = targets.filter((target) => isCooling(target))
  if (cooling.length === 0 || cooling.length === targets.length) return targets
  return [...targets.filter((target) => !cooling.includes(target)), ...cooling]
}

function allowed(target: Target, { allowedModels }: RouteRequest, around: Surroundings): Target {
  if (isAllowed(target.model, allowedModels, around)) return target
  throw new SluiceError({
    kind: 'forbidden',
    param: 'model',
    message: `This API key may not call '${target.model}'. It may call: ${allowedModels?.join(', ') ?? ''}.`,
  })
}
