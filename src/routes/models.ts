import type { Caller } from '../keys/authenticate'
import { SluiceError } from '../platform/failure'
import { protocols } from '../protocols/table'
import { type ModelDetails, modelDetails } from '../routing/model-details'
import { isAllowed } from '../routing/plan'
import { canonicalName, isKnownModelName, modelNames, type Surroundings } from '../routing/resolve'
import { surroundingsOf } from '../routing/surroundings'
import { forwardManagement } from './forward-management'
import type { KeyedRoute, RouteContext } from './route'
import { sdkProtocol } from './sdk-protocol'

/** The list that an SDK asks for; `/api/models/` with its slash is Respan's own list, and this one without. */
export const modelRoutes: KeyedRoute[] = [
  {
    method: 'GET',
    paths: ['/models', '/v1/models', '/api/v1/models', '/v1beta/models', '/api/v1beta/models'],
    auth: 'any_key',
    logging: 'none',
    errors: 'sdk',
    handle: list,
  },
  {
    method: 'GET',
    paths: ['/api/models'],
    auth: 'any_key',
    logging: 'none',
    errors: 'sdk',
    handle: listEither,
  },
  {
    method: 'GET',
    paths: ['', '/v1', '/api/v1', '/v1beta', '/api/v1beta'].map((base) => `${base}/models/:name{.+}`),
    auth: 'any_key',
    logging: 'none',
    errors: 'sdk',
    handle: one,
  },
  { method: 'GET', paths: ['/api/models/:name{.+}'], auth: 'any_key', logging: 'none', handle: oneOfEither },
]

const STORED_MODELS = { method: 'GET', path: '/api/models', auth: 'admin', changesConfig: false } as const
const STORED_MODEL = { ...STORED_MODELS, path: '/api/models/:name{.+}' } as const

/** A model in OpenAI's shape (OpenAI API reference, "The model object"), and what is known of it beside that. */
export function modelEntry(name: string, around: Surroundings) {
  const slash = name.indexOf('/')
  const owner = slash > 0 ? name.slice(0, slash) : 'custom'
  return { id: name, object: 'model', created: 0, owned_by: owner, ...told(modelDetails(name, around)) }
}

/** In the words of an API; what is not known is not there. Costs are US dollars per million tokens. */
function told({ capabilities, ...known }: ModelDetails) {
  const { contextWindow, maxOutputTokens, inputCost, outputCost, cacheHitInputCost } = known
  return {
    ...(contextWindow === undefined ? {} : { context_window: contextWindow }),
    ...(maxOutputTokens === undefined ? {} : { max_output_tokens: maxOutputTokens }),
    ...(inputCost === undefined ? {} : { input_cost: inputCost }),
    ...(outputCost === undefined ? {} : { output_cost: outputCost }),
    ...(cacheHitInputCost === undefined ? {} : { cache_hit_input_cost: cacheHitInputCost }),
    ...(Object.keys(capabilities).length === 0 ? {} : { capabilities }),
  }
}

async function list({ env, isolate, background, request }: RouteContext, caller: Caller): Promise<Response> {
  const config = await isolate.config.get(background)
  const around = surroundingsOf(env, config)
  const names = modelNames(around).filter((name) => isAllowed(name, caller.allowedModels, around))
  return Response.json(shapeFor(request).list([...new Set(names)], around))
}

/** A model, and a list of them, in the words of a protocol. */
interface ModelShape {
  entry(name: string, around: Surroundings): object
  list(names: readonly string[], around: Surroundings): object
}

const chatShape: ModelShape = {
  entry: modelEntry,
  list: (names, around) => ({ object: 'list', data: names.map((name) => modelEntry(name, around)) }),
}
/** Those that differ, by protocol. */
const shapes: ReadonlyMap<string, ModelShape> = new Map<string, ModelShape>([
  [
    protocols.anthropic.id,
    {
      entry: messagesEntry,
      list: (names, around) => ({
        data: names.map((name) => messagesEntry(name, around)),
        has_more: false,
        first_id: names[0] ?? null,
        last_id: names.at(-1) ?? null,
      }),
    },
  ],
  [
    protocols.gemini.id,
    {
      entry: contentsEntry,
      list: (names, around) => ({ models: names.map((name) => contentsEntry(name, around)) }),
    },
  ],
])

function messagesEntry(id: string, around: Surroundings) {
  const { contextWindow, maxOutputTokens } = modelDetails(id, around)
  return {
    ...{ type: 'model', id, display_name: id, created_at: '1970-01-01T00:00:00Z' },
    ...{ max_input_tokens: contextWindow ?? null, max_tokens: maxOutputTokens ?? null },
  }
}

function contentsEntry(name: string, around: Surroundings) {
  const { contextWindow, maxOutputTokens } = modelDetails(name, around)
  return {
    name: `models/${name}`,
    displayName: name,
    supportedGenerationMethods: ['generateContent', 'streamGenerateContent', 'countTokens'],
    ...(contextWindow === undefined ? {} : { inputTokenLimit: contextWindow }),
    ...(maxOutputTokens === undefined ? {} : { outputTokenLimit: maxOutputTokens }),
  }
}

function shapeFor(request: Request): ModelShape {
  return shapes.get(sdkProtocol(request).id) ?? chatShape
}

function listEither(context: RouteContext, caller: Caller): Promise<Response> {
  if (!new URL(context.request.url).pathname.endsWith('/')) return list(context, caller)
  if (caller.role === 'admin') return forwardManagement(context, caller, STORED_MODELS)
  throw new SluiceError({
    kind: 'forbidden',
    message:
      'This list needs an API key with the admin role; /api/models lists the models that this key may call.',
  })
}

/** Below /api an admin key sees what is stored, and any other key what its SDK asks for. */
function oneOfEither(context: RouteContext, caller: Caller): Promise<Response> {
  return caller.role === 'admin' ? forwardManagement(context, caller, STORED_MODEL) : one(context, caller)
}

async function one(context: RouteContext, caller: Caller): Promise<Response> {
  const { env, isolate, background, params, request } = context
  const name = params.name ?? ''
  const around = surroundingsOf(env, await isolate.config.get(background))
  const isKnown = around.config.modelsByName.has(name) || isKnownModelName(name, around)
  if (isKnown && isAllowed(canonicalName(name, around), caller.allowedModels, around)) {
    return Response.json(shapeFor(request).entry(name, around))
  }
  throw new SluiceError({
    kind: 'not_found',
    code: 'model_not_found',
    param: 'model',
    message: `The model '${name}' does not exist, or this API key may not call it.`,
  })
}
