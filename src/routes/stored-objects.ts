import type { Forwarding } from '../pipeline/forward'
import type { ForwardIntake } from '../pipeline/forward-intake'
import { type Origin, originOf, rememberOrigin } from '../pipeline/origins'
import { providerTarget } from '../pipeline/provider-target'
import type { Exchange } from '../pipeline/stages'
import { SluiceError } from '../platform/failure'
import { textOf } from '../protocols/fields'
import { protocols } from '../protocols/table'
import { findCatalogProvider, isEnabled } from '../providers/catalog'
import { operationUrl } from '../providers/operation-url'
import { fileProviders } from '../providers/pass-through'
import { isAllowed } from '../routing/plan'
import { surroundingsOf } from '../routing/surroundings'
import { forwardIn, namedProvider } from './forwards'
import { queryWithout } from './pass-through'
import { BASES, type InferenceRoute, type RouteContext } from './route'

type LogType = 'response' | 'file' | 'batch'
type Method = InferenceRoute['method']

/** What providers of the OpenAI family keep: each object is asked for where it was made. */
export const storedObjectRoutes: InferenceRoute[] = [
  stored('response', 'GET', '/responses/:id'),
  stored('response', 'DELETE', '/responses/:id'),
  stored('response', 'POST', '/responses/:id/cancel'),
  stored('response', 'GET', '/responses/:id/input_items'),
  stored('file', 'GET', '/files'),
  stored('file', 'POST', '/files'),
  stored('file', 'GET', '/files/:id'),
  stored('file', 'DELETE', '/files/:id'),
  stored('file', 'GET', '/files/:id/content'),
  stored('batch', 'GET', '/batches'),
  stored('batch', 'POST', '/batches'),
  stored('batch', 'GET', '/batches/:id'),
  stored('batch', 'POST', '/batches/:id/cancel'),
]

function stored(logType: LogType, method: Method, path: string): InferenceRoute {
  return {
    method,
    paths: BASES.map((base) => `${base}${path}`),
    auth: 'inference',
    logging: 'request',
    handle: (context) =>
      forwardIn(protocols[logType === 'response' ? 'openai-responses' : 'openai-chat'], context, {
        logType,
        forwarding: (exchange) => forwardingOf(exchange, context, { logType, path }),
      }),
  }
}

function forwardingOf(
  exchange: Exchange,
  context: RouteContext,
  { logType, path }: { logType: LogType; path: string },
): Forwarding {
  const { env, background } = exchange
  return {
    isOwnPath: true,
    // Only a batch is paid for, when its requests are answered.
    isFree: path !== '/batches',
    async wayOf({ caller, fields }) {
      const origin = await originFor(context, logType, fields)
      await checkAllowed(context, caller.allowedModels, origin)
      const target = await providerTarget(exchange, context.isolate, origin.providerId)
      const operation = path.replace(':id', encodeURIComponent(context.params.id ?? ''))
      const query = queryWithout(new URL(context.request.url).search, ['key', 'provider'])
      return { target, url: operationUrl(target, `${operation}${query}`, false), model: origin.model }
    },
    learn(answer, { target }) {
      if (logType === 'response') return
      // The provider makes a batch's files of results itself.
      for (const id of [answer.id, answer.output_file_id, answer.error_file_id].map(textOf))
        if (id !== undefined) background(rememberOrigin(env, id, { providerId: target.providerId }))
    },
  }
}

/**
 * The provider to be asked: the one that the request names, else the one that made what it speaks of, else for files
 * and batches the first that is set up here.
 */
async function originFor(
  context: RouteContext,
  logType: LogType,
  fields: ForwardIntake['fields'],
): Promise<Origin> {
  const { request, env, params } = context
  const id = params.id ?? textOf(fields.input_file_id)
  const known = id === undefined ? undefined : await originOf(env, id)
  const named = namedProvider(request) ?? textOf(new URL(request.url).searchParams.get('provider'))
  if (named !== undefined) return known?.providerId === named ? known : { providerId: named }
  if (known !== undefined) return known
  if (logType !== 'response') return { providerId: await defaultProvider(context) }
  throw new SluiceError({
    kind: 'not_found',
    param: 'response_id',
    message: `Response with id '${id}' not found: only responses that were made through this gateway in the last 30 days are found. The header x-respan-route-provider names the provider of another one.`,
  })
}

async function defaultProvider({ env, isolate, background }: RouteContext): Promise<string> {
  const config = await isolate.config.get(background)
  const { variable } = surroundingsOf(env, config)
  const isSetUp = (id: string) => {
    const row = findCatalogProvider(id)
    return config.providersById.has(id) || (row !== undefined && isEnabled(row, variable))
  }
  return fileProviders.find(isSetUp) ?? fileProviders[0] ?? ''
}

/** A stored response is its model's; a file of requests may name any model, so a key with a list may use none. */
async function checkAllowed(
  { env, isolate, background }: RouteContext,
  allowedModels: readonly string[] | undefined,
  { model }: Origin,
): Promise<void> {
  if (allowedModels === undefined) return
  const around = surroundingsOf(env, await isolate.config.get(background))
  if (model !== undefined && isAllowed(model, allowedModels, around)) return
  throw new SluiceError({
    kind: 'forbidden',
    message:
      model === undefined
        ? 'This API key may call listed models only, and here the gateway cannot tell the model. Use a key without a list.'
        : `This API key may not call '${model}', which made this response.`,
  })
}
