import { SluiceError } from '../platform/failure'
import { nameThere } from '../providers/name-there'
import type { Target } from '../providers/target'
import { providerIdOf, resolveModel, type Surroundings, targetOfProvider } from './resolve'

/** A route that names its upstream in the path, so that the body's model is overruled. */
export interface Pin {
  /** A custom model's name, or a provider's id. */
  name: string
  /** Only a provider is meant, and every model is one of its: its only stored model is not taken instead. */
  isProvider?: true
}

/**
 * The target of a pinned model, or of a pinned provider and the body's model.
 * @throws SluiceError `not_found`, or `invalid_request` when the model is missing
 */
export function pinned(
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
  const upstreamModel = onlyProvider === true ? nameAt(name, model, around) : withoutPrefix(name, model)
  const target = targetOfProvider(name, upstreamModel, around)
  if (target !== undefined) return target
  throw new SluiceError({
    kind: 'not_found',
    code: 'model_not_found',
    param: 'model',
    message: `'${name}' has no model '${model}'.`,
  })
}

function withoutPrefix(prefix: string, model: string): string {
  return model.startsWith(`${prefix}/`) ? model.slice(prefix.length + 1) : model
}

/** The name of a request's model at a provider that it did not name it for; what is stored here has its own names. */
function nameAt(provider: string, model: string, around: Surroundings): string {
  const bare = withoutPrefix(provider, model)
  const id = providerIdOf(provider, around)
  if (bare !== model || id === undefined || around.config.providersById.has(id)) return bare
  const prefix = model.slice(0, Math.max(0, model.indexOf('/')))
  const named = prefix === '' ? undefined : providerIdOf(prefix, around)
  if (named === id) return withoutPrefix(prefix, model)
  return nameThere(id, model, named === undefined ? undefined : prefix)
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
