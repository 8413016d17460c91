import { admittedOf } from '../keys/admitted'
import { backgroundOf } from '../platform/background'
import { createConfigSnapshot } from '../platform/config'
import { realEffects } from '../platform/effects'
import { failureOf, SluiceError } from '../platform/failure'
import { managementError } from '../platform/management-error'
import type { ManagementEnv, ManagementIsolate, ManagementRoute } from './route'
import { managementRoutes } from './table'

const byName = new Map<string, ManagementRoute>()
for (const route of managementRoutes)
  for (const path of route.paths) byName.set(`${route.method} ${path}`, route)

let isolate: ManagementIsolate | undefined

/** Answers a management request that the gateway has let in, and whose route and caller it has told. */
export async function answerManagement(
  request: Request,
  worker: ManagementEnv,
  executionCtx: Pick<ExecutionContext, 'waitUntil'>,
): Promise<Response> {
  try {
    const admitted = admittedOf(request)
    const route = admitted === undefined ? undefined : byName.get(admitted.route)
    if (admitted === undefined || route === undefined)
      throw new SluiceError({ kind: 'not_found', message: 'Not found.' })
    const { caller, params, variables } = admitted
    const env = { ...worker, ...variables }
    isolate ??= { config: createConfigSnapshot(worker, realEffects.now) }
    const background = backgroundOf(executionCtx)
    // What is awaited here fails here.
    return await route.handle({ request, params, env, effects: realEffects, isolate, background }, caller)
  } catch (cause) {
    return managementError(failureOf(cause))
  }
}
