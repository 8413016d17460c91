import { Hono } from 'hono'
import { authenticate } from './pipeline/authenticate'
import { createIsolate, type Isolate } from './pipeline/isolate'
import type { GatewayEnv } from './pipeline/stages'
import { backgroundOf } from './platform/background'
import { realEffects } from './platform/effects'
import { describe, type Failure, failureHeaders, failureOf, SluiceError } from './platform/failure'
import { managementError } from './platform/management-error'
import { pathOf } from './platform/url-path'
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
  app.on(route.method, [...route.paths], ({ env, executionCtx, req }) =>
    run(route, contextOf(req.raw, { params: req.param(), env, executionCtx })),
  )
app.notFound(({ req }) => failedForSdk(nothingAt(req.method, new URL(req.url).pathname), req.raw))
app.onError((cause) => managementError(failureOf(cause)))

/** The routes that answer at a fixed path: those of the SDKs, for which a router's own objects would be the most work. */
const answering = new Map<string, Route>()
for (const route of routes.filter(({ auth }) => auth === 'inference').toReversed())
  for (const path of route.paths) if (!/[:*{]/.test(path)) answering.set(`${route.method} ${path}`, route)

/** The gateway worker. */
export default {
  fetch(request, env, executionCtx): Response | Promise<Response> {
    const route = answering.get(`${request.method} ${pathOf(request.url)}`)
    if (route === undefined) return app.fetch(request, env, executionCtx)
    const answered = run(route, contextOf(request, { params: NO_PARAMS, env, executionCtx }))
    return answered.catch((cause: unknown) => managementError(failureOf(cause)))
  },
} satisfies ExportedHandler<GatewayEnv>

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

const NO_PARAMS = {}

function contextOf(
  request: Request,
  given: Pick<RouteContext, 'params' | 'env'> & { executionCtx: Pick<ExecutionContext, 'waitUntil'> },
): RouteContext {
  const { params, env, executionCtx } = given
  isolate ??= createIsolate(env, realEffects)
  return { request, params, env, effects: realEffects, isolate, background: backgroundOf(executionCtx) }
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
