import type { Forwarding, Way } from '../pipeline/forward'
import { providerTarget } from '../pipeline/provider-target'
import type { Exchange } from '../pipeline/stages'
import { SluiceError } from '../platform/failure'
import type { Protocol } from '../protocols/protocol'
import { protocols } from '../protocols/table'
import {
  type AnswerCall,
  answerCallAt,
  type PassThroughBase,
  passThroughBases,
  rootOf,
} from '../providers/pass-through'
import { answerIn } from './answers'
import { forwardIn, namedProvider } from './forwards'
import { answerCall } from './generate-content'
import type { InferenceRoute, RouteContext } from './route'

const prefixes = passThroughBases.flatMap((base) => base.prefixes.map((prefix) => ({ prefix, base })))

/** Parts of the gateway's paths that are a provider's whole API, for its own SDK. */
export const passThroughRoutes: InferenceRoute[] = (['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const).map(
  (method) => ({
    method,
    paths: prefixes.map(({ prefix }) => `${prefix}/*`),
    auth: 'inference',
    logging: 'request',
    handle: passThrough,
  }),
)

/** A request below a base. */
interface Passing {
  base: PassThroughBase
  prefix: string
  /** Of the provider's API, as the client encoded it. */
  path: string
  /** With its question mark, without the Sluice key. */
  query: string
}

async function passThrough(context: RouteContext): Promise<Response> {
  const passing = passingOf(context.request)
  const { base, path } = passing
  const named = namedProvider(context.request)
  const found = context.request.method === 'POST' ? answerCallAt(base, path) : undefined
  if (found !== undefined) return answered(context, found, named ?? base.providerId)
  return forwardIn(protocols[base.speaks], context, {
    logType: 'pass_through',
    forwarding: (exchange) => forwardingOf(exchange, { context, passing, named }),
  })
}

/** A call for an answer goes the way of all of them, so that parameters, limits, usage and cost work. */
function answered(
  context: RouteContext,
  { protocol, hasModelInBody, call, model }: AnswerCall,
  provider: string,
): Promise<Response> {
  const pin = { name: provider, isProvider: true as const }
  if (call !== undefined) return answerCall({ ...context, params: { call } }, { pin })
  return answerIn(model === undefined ? protocol : ofModel(protocol, model, hasModelInBody), context, { pin })
}

/** A protocol whose body names the model, where the path does it instead. */
function ofModel(protocol: Protocol, model: string, hasModelInBody: true | undefined): Protocol {
  return {
    ...protocol,
    ...(hasModelInBody === true ? { bodyDefaults: { ...protocol.bodyDefaults, model } } : {}),
    readRequest: (bytes, members, address) => ({ ...protocol.readRequest(bytes, members, address), model }),
  }
}

function forwardingOf(
  exchange: Exchange,
  given: { context: RouteContext; passing: Passing; named: string | undefined },
): Forwarding {
  const { base, prefix, path, query } = given.passing
  return {
    isOwnPath: false,
    async wayOf({ caller }): Promise<Way> {
      if (caller.allowedModels !== undefined) throw restricted()
      const target = await providerTarget(exchange, given.context.isolate, base.providerId)
      if (given.named !== undefined) await checkNamed(given.named, target.providerId)
      const root = rootOf(base, target)
      const mirror = { root, base: new URL(exchange.request.url).origin + prefix }
      return { target, url: `${root}${path}${query}`, mirror }
    },
  }

  async function checkNamed(name: string, providerId: string): Promise<void> {
    const named = await providerTarget(exchange, given.context.isolate, name)
    if (named.providerId === providerId) return
    const message = `Only calls for an answer can go to another provider: ${path} is of the API of '${providerId}', and the header x-respan-route-provider names '${named.providerId}'.`
    throw new SluiceError({ kind: 'invalid_request', code: 'provider_mismatch', message })
  }
}

/** What a key with a list of models may not do: the gateway cannot tell which model such a call would use. */
function restricted(): SluiceError {
  const message =
    'This API key may call listed models only, and this path is passed through unread. Use an answer path, or a key without a list.'
  return new SluiceError({ kind: 'forbidden', message })
}

function passingOf(request: Request): Passing {
  const { pathname, search } = new URL(request.url)
  const found = prefixes.find(({ prefix }) => pathname === prefix || pathname.startsWith(`${prefix}/`))
  if (found === undefined)
    throw new SluiceError({ kind: 'not_found', message: `There is nothing at ${pathname}.` })
  const { base, prefix } = found
  const path = withVersion(base, pathname.slice(prefix.length))
  return { base, prefix, path, query: queryWithout(search, ['key']) }
}

function withVersion({ version }: PassThroughBase, path: string): string {
  if (version === undefined) return path
  return `${path}/`.startsWith(`${version}/`) ? path : `${version}${path}`
}

/** A query without some of its parameters; the others stay as they are written. */
export function queryWithout(search: string, names: readonly string[]): string {
  const kept = search
    .slice(1)
    .split('&')
    .filter((pair) => pair !== '' && !names.includes(pair.replace(/=.*$/s, '')))
  return kept.length === 0 ? '' : `?${kept.join('&')}`
}
