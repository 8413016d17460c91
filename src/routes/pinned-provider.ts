import type { Caller } from '../keys/authenticate'
import { upstreamModels } from '../pipeline/upstream-models'
import { SluiceError } from '../platform/failure'
import type { Protocol } from '../protocols/protocol'
import { protocols } from '../protocols/table'
import { isAllowed } from '../routing/plan'
import { surroundingsOf } from '../routing/surroundings'
import { answerIn } from './answers'
import { modelEntry } from './models'
import type { InferenceRoute, KeyedRoute, RouteContext } from './route'

const PREFIXES = ['/providers/:provider/v1', '/api/providers/:provider/v1']

/** Answers from the model or provider that the path names (LangSmith's custom-provider routes). */
export const pinnedAnswers: InferenceRoute[] = [
  pinned('/chat/completions', protocols['openai-chat']),
  pinned('/responses', protocols['openai-responses']),
]

function pinned(path: string, protocol: Protocol): InferenceRoute {
  return {
    method: 'POST',
    paths: PREFIXES.map((prefix) => `${prefix}${path}`),
    auth: 'inference',
    logging: 'request',
    handle: (context) => answerIn(protocol, context, { pin: { name: nameOf(context) } }),
  }
}

/** What can be called at the pinned model or provider. */
export const pinnedModels: KeyedRoute = {
  method: 'GET',
  paths: PREFIXES.map((prefix) => `${prefix}/models`),
  auth: 'any_key',
  logging: 'none',
  errors: 'sdk',
  handle: listPinned,
}

/** Every other path below a pinned provider is off the allow-list. */
export const pinnedOthers: KeyedRoute[] = (['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const).map(
  (method) => ({
    method,
    paths: ['/providers/*', '/api/providers/:provider/*'],
    auth: 'any_key',
    logging: 'none',
    errors: 'sdk',
    async handle({ request }) {
      throw new SluiceError({
        kind: 'not_implemented',
        message: `${method} ${new URL(request.url).pathname} is not served: below /providers/{name}/v1 there are POST chat/completions, POST responses and GET models.`,
      })
    },
  }),
)

async function listPinned(context: RouteContext, caller: Caller): Promise<Response> {
  const { env, isolate, background, request, effects } = context
  const name = nameOf(context)
  const config = await isolate.config.get(background)
  const { modelsByName } = config
  const own = modelsByName.has(name)
    ? [name]
    : [...modelsByName.values()].filter((row) => row.providerId === name).map((row) => row.modelName)
  const around = surroundingsOf(env, config)
  const allowed = own.filter((model) => isAllowed(model, caller.allowedModels, around))
  if (own.length > 0)
    return Response.json({ object: 'list', data: allowed.map((model) => modelEntry(model, around)) })
  return upstreamModels({ name, env, config, request, effects })
}

function nameOf({ params }: RouteContext): string {
  return params.provider ?? ''
}
