import { type Context, Hono } from 'hono'
import { authenticate } from './pipeline/authenticate'
import { createIsolate, type Isolate } from './pipeline/isolate'
import type { GatewayEnv } from './pipeline/stages'
import { realEffects } from './platform/effects'
import { describe, type Failure, failureHeaders, SluiceError } from './platform/failure'
import { managementError } from './routes/management'
import type { KeyedRoute, Route, RouteContext } from './routes/route'
import { sdkProtocol } from './routes/sdk-protocol'
import { StaticFirstRouter } from './routes/static-first-router'
import { routes } from './routes/table'

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

type App = Hono<{ Bindings: GatewayEnv }>

let isolate: Isolate | undefined

/** The gateway's router; `strict: false` lets every path end with a slash or without. */
export const app: App = new Hono<{ Bindings: GatewayEnv }>({
  strict: false,
  router: new StaticFirstRouter(),
})
for (const route of routes)
  app.on(route.method, [...route.paths], (context) => run(route, contextOf(context)))
app.notFound(({ req }) => failedForSdk(nothingAt(req.method, new URL(req.url).pathname), req.raw))
app.onError((cause) => managementError(failureOf(cause)))

/** The gateway worker. */
export default { fetch: app.fetch }
// biome-ignore lint/performance/noBarrelFile: workerd finds a Durable Object class among the entry's exports
export { SharedCall } from './flights/shared-call'
export { IdempotentCall } from './idempotency/idempotent-call'
export { Ledger } from './limits/ledger'

async function run(route: Route, context: RouteContext): Promise<Response> {
  if (route.auth === 'inference' || route.auth === 'none') return route.handle(context)
  try {
    return await runKeyed(route, context)
  } catch (cause) {
    const failure = failureOf(cause)
    return route.errors === 'sdk' ? failedForSdk(failure, context.request) : managementError(failure)
  }
}

async function runKeyed(route: KeyedRoute, context: RouteContext): Promise<Response> {
  const caller = await authenticate(context, context.isolate)
  if (route.auth === 'admin' && caller.role !== 'admin') {
    throw new SluiceError({ kind: 'forbidden', message: 'This needs an API key with the admin role.' })
  }
  return route.handle(context, caller)
}

function contextOf(context: Context<{ Bindings: GatewayEnv }>): RouteContext {
  const { env, executionCtx, req } = context
  isolate ??= createIsolate(env, realEffects)
  return {
    request: req.raw,
    params: req.param(),
    env,
    effects: realEffects,
    isolate,
    background: (work) => executionCtx.waitUntil(work),
  }
}

// A path that exists for another method says so.
function nothingAt(method: string, path: string): Failure {
  const plain = path.length > 1 ? path.replace(/\/$/, '') : path
  const allow = METHODS.filter((other) => app.router.match(other, plain)[0].length > 0).join(', ')
  if (allow === '') return { kind: 'not_found', message: `There is nothing at ${path}.` }
  return {
    kind: 'method_not_allowed',
    allow,
    message: `${method} is not served at ${path}; it takes ${allow}.`,
  }
}

function failedForSdk(failure: Failure, request: Request): Response {
  const description = describe(failure)
  return new Response(sdkProtocol(request).encodeError(description), {
    status: description.status,
    headers: { ...failureHeaders(failure), 'content-type': 'application/json' },
  })
}

function failureOf(cause: unknown): Failure {
  if (cause instanceof SluiceError) return cause.failure
  // biome-ignore lint/suspicious/noConsole: an unexpected fault must be found in the worker's log; the client gets no details
  console.error(cause)
  return { kind: 'internal', message: 'Internal server error.' }
}
