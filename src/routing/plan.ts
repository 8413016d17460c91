import { SluiceError } from '../platform/failure'
import type { Target } from '../providers/target'
import { resolveModel, type Surroundings, targetOfProvider } from './resolve'

/** A route that names its upstream in the path, so that the body's model is overruled. */
export interface Pin {
  /** A custom model's name, or a provider's id. */
  name: string
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
  const first =
    request.pin === undefined
      ? resolveModel(requiredModel(request.model), around)
      : pinned(request.pin, request.model, around)
  refuseForbidden(first.model, request.allowedModels)
  if (request.disableFallback || request.pin !== undefined) return [first]
  const own = around.config.modelsByName.get(first.model)?.fallbackModels
  const names = request.fallbackModels ?? own ?? []
  const others = names.filter((name) => name !== first.model && isAllowed(name, request.allowedModels))
  return [first, ...others.map((name) => resolveFallback(name, around))]
}

/** Whether an API key may call a model: its list holds the name, or `{provider}/*`. */
export function isAllowed(model: string, allowedModels: readonly string[] | undefined): boolean {
  if (allowedModels === undefined) return true
  return allowedModels.some((allowed) =>
    allowed.endsWith('*') ? model.startsWith(allowed.slice(0, -1)) : allowed === model,
  )
}

function resolveFallback(name: string, around: Surroundings): Target {
  try {
    return resolveModel(name, around)
  } catch (cause) {
    if (!(cause instanceof SluiceError) || cause.failure.kind !== 'not_found') throw cause
    throw new SluiceError({ ...cause.failure, param: 'fallback_models' })
  }
}

function pinned({ name }: Pin, bodyModel: string | undefined, around: Surroundings): Target {
  if (around.config.modelsByName.has(name)) return resolveModel(name, around)
  const own = [...around.config.modelsByName.values()].filter((row) => row.providerId === name)
  const [only] = own
  if (own.length === 1 && only !== undefined) return resolveModel(only.modelName, around)
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

function refuseForbidden(model: string, allowedModels: readonly string[] | undefined): void {
  if (isAllowed(model, allowedModels)) return
  throw new SluiceError({
    kind: 'forbidden',
    param: 'model',
    message: `This API key may not call '${model}'. It may call: ${allowedModels?.join(', ') ?? ''}.`,
  })
}
