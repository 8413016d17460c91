import { SluiceError } from '../platform/failure'
import type { Target } from '../providers/target'
import { canonicalName, canonicalPattern, resolveModel, type Surroundings, targetOfProvider } from './resolve'

/** A route that names its upstream in the path, so that the body's model is overruled. */
export interface Pin {
  /** A custom model's name, or a provider's id. */
  name: string
  /** Only a provider is meant, and the body's model is one of its: its only stored model is not taken instead. */
  isProvider?: true
}

/** What of a request decides where it goes. */
export interface RouteRequest {
  model: string | undefined
  pin?: Pin
  fallbackModels: readonly string[] | undefined
  disableFallback: boolean
  /** From the API key; undefined allows all. */
  allowedModels: readonly string[] | undefined
}

/** The targets that may answer, in the order in which they are tried; at least one. Pure. */
export function plan(request: RouteRequest, around: Surroundings): Target[] {
  const { pin, model, allowedModels } = request
  if (pin !== undefined) return [allowed(pinned(pin, model, around), request, around)]
  const name = requiredModel(model)
  const names = request.disableFallback ? [] : fallbacksOf(name, request, around)
  if (names.length === 0) return [allowed(resolveModel(name, around), request, around)]
  const first = allowed(
    resolveOr(name, around, (cause) => unusable(name, cause)),
    request,
    around,
  )
  const others = names.map((other) => resolveOr(other, around, (cause) => unusableFallback(other, cause)))
  return [
    first,
    ...others.filter(
      (target) => target.model !== first.model && isAllowed(target.model, allowedModels, around),
    ),
  ]
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

function fallbacksOf(name: string, request: RouteRequest, around: Surroundings): readonly string[] {
  return request.fallbackModels ?? around.config.modelsByName.get(name)?.fallbackModels ?? []
}

function resolveOr(name: string, around: Surroundings, otherwise: (cause: SluiceError) => Target): Target {
  try {
    return resolveModel(name, around)
  } catch (cause) {
    if (cause instanceof SluiceError) return otherwise(cause)
    throw cause
  }
}

function unusableFallback(name: string, cause: SluiceError): Target {
  if (cause.failure.kind === 'not_found')
    throw new SluiceError({ ...cause.failure, param: 'fallback_models' })
  return unusable(name, cause)
}

// A provider that is not set up here must not keep the others in the list from answering.
function unusable(name: string, cause: SluiceError): Target {
  const { failure } = cause
  if (failure.kind !== 'provider_not_configured' && failure.kind !== 'upstream_unreachable') throw cause
  return {
    providerId: name.includes('/') ? name.slice(0, name.indexOf('/')) : name,
    model: name,
    upstreamModel: name,
    protocol: 'openai-chat',
    traits: {},
    url: '',
    auth: { kind: 'none' },
    credential: { kind: 'none' },
    problem: failure,
  }
}

function pinned(
  { name, isProvider: onlyProvider }: Pin,
  bodyModel: string | undefined,
  around: Surroundings,
): Target {
  if (onlyProvider !== true && around.config.modelsByName.has(name)) return resolveModel(name, around)
  const own = [...around.config.modelsByName.values()].filter((row) => row.providerId === name)
  const [only] = own
  if (onlyProvider !== true && own.length === 1 && only !== undefined)
    return resolveModel(only.modelName, around)
  const isProvider = targetOfProvider(name, '', around) !== undefined || around.config.providersById.has(name)
  if (!isProvider) {
    throw new SluiceError({
      kind: 'not_found',
      code: 'provider_not_found',
      message: `There is no model or provider named '${name}'.`,
    })
  }
  const model = requiredModel(bodyModel)
  const listed = own.find((row) => row.modelName === model)
  if (listed !== undefined) return resolveModel(model, around)
  const upstreamModel = model.startsWith(`${name}/`) ? model.slice(name.length + 1) : model
  const target = targetOfProvider(name, upstreamModel, around)
  if (target !== undefined) return target
  throw new SluiceError({
    kind: 'not_found',
    code: 'model_not_found',
    param: 'model',
    message: `'${name}' has no model '${model}'.`,
  })
}

function requiredModel(model: string | undefined): string {
  if (model !== undefined && model !== '') return model
  throw new SluiceError({
    kind: 'invalid_request',
    param: 'model',
    code: 'missing_required_parameter',
    message: "Missing required parameter: 'model'.",
  })
}

function allowed(target: Target, { allowedModels }: RouteRequest, around: Surroundings): Target {
  if (isAllowed(target.model, allowedModels, around)) return target
  throw new SluiceError({
    kind: 'forbidden',
    param: 'model',
    message: `This API key may not call '${target.model}'. It may call: ${allowedModels?.join(', ') ?? ''}.`,
  })
}
