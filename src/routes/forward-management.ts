import { withAdmitted } from '../keys/admitted'
import type { Caller } from '../keys/authenticate'
import { variable } from '../platform/env'
import { SluiceError } from '../platform/failure'
import { announcedBytes, MAX_MANAGEMENT_BODY_BYTES } from '../platform/read-body'
import { toldVariables } from '../providers/told-variables'
import { type ManagementEntry, managementTable } from './management-table'
import type { KeyedRoute, RouteContext } from './route'

/** Routes that both a kind of key and the SDKs ask for: they are answered here, and lead on for an admin (`models.ts`). */
const SHARED: ReadonlySet<string> = new Set(['GET /api/models', 'GET /api/models/:name{.+}'])

/** The management API: let in here, answered by the consumer worker. */
export const managementRoutes: readonly KeyedRoute[] = managementTable
  .filter((entry) => !SHARED.has(nameOf(entry)))
  .map((entry) => ({
    method: entry.method,
    paths: [entry.path],
    auth: entry.auth,
    logging: 'none',
    handle: (context, caller) => forwardManagement(context, caller, entry),
  }))

/**
 * Has the consumer worker answer a management request; what it changes is known here when the answer is.
 * @throws SluiceError `unavailable` when there is no consumer worker to ask, `body_too_large`
 */
export async function forwardManagement(
  context: RouteContext,
  caller: Caller,
  entry: ManagementEntry,
): Promise<Response> {
  const { request, params, env } = context
  // An upload that is refused half-way is torn off, and its sender may never read why.
  announcedBytes(request, MAX_MANAGEMENT_BODY_BYTES)
  const admitted = { route: nameOf(entry), params, caller, variables: variablesOf(context) }
  const response = await env.MANAGEMENT.fetch(withAdmitted(request, admitted)).catch((cause: unknown) => {
    const message = 'The management API cannot be reached right now. Send the request again in a moment.'
    throw new SluiceError({ kind: 'unavailable', message, retryAfterSeconds: 2 }, { cause })
  })
  if (entry.changesConfig && response.ok) await catchUp(context)
  return response
}

/** What was read here before a change is read again; other isolates do so within 10 s. */
async function catchUp({ params, isolate, background }: RouteContext): Promise<void> {
  if (params.prompt !== undefined) isolate.promptVersions.forgetAll()
  // With the database away the change has been made all the same.
  await isolate.config.refreshed(background, 0).catch(() => undefined)
}

// Whether private addresses are allowed is for the worker to say that calls them.
function variablesOf({ env }: RouteContext): Record<string, string> {
  const { ALLOW_PRIVATE_UPSTREAMS = '' } = env
  return { ...toldVariables((name) => variable(env, name)), ALLOW_PRIVATE_UPSTREAMS }
}

function nameOf({ method, path }: Pick<ManagementEntry, 'method' | 'path'>): string {
  return `${method} ${path}`
}
