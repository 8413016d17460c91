import type { KeyedRoute } from './route'

/** A route that the consumer worker answers. */
export interface ManagementEntry {
  method: KeyedRoute['method']
  path: string
  auth: KeyedRoute['auth']
  /** What it changes is in the memory of isolates; a read never is. */
  changesConfig: boolean
}

type Rows = readonly (readonly [path: string, methods: string])[]

/** Stored nouns: for admin keys only, and what is changed of them bears on requests. */
const NOUNS: Rows = [
  ['/api/models', 'GET POST'],
  ['/api/models/:name{.+}', 'GET PATCH PUT DELETE'],
  ['/api/providers', 'GET POST'],
  ['/api/providers/:provider', 'GET PATCH PUT DELETE'],
  ['/api/api-keys', 'GET POST'],
  ['/api/api-keys/:id', 'GET PATCH PUT DELETE'],
  ['/api/temporary-keys', 'GET POST'],
  ['/api/temporary-keys/:id', 'GET PATCH DELETE'],
  ['/api/users/list', 'GET POST'],
  ['/api/users', 'GET'],
  ['/api/users/create', 'POST'],
  ['/api/users/:customer_identifier', 'GET PATCH DELETE'],
  ['/api/limits/drift', 'GET'],
  ['/api/limits', 'GET POST'],
  ['/api/limits/:id', 'GET PATCH DELETE'],
  ['/api/limits/:id/standings', 'GET'],
  ['/api/alert-channels', 'GET POST'],
  ['/api/alert-channels/:id', 'GET PATCH DELETE'],
  ['/api/alert-channels/:id/test', 'POST'],
  ['/api/alert-events', 'GET'],
  ['/api/monitors', 'GET POST'],
  ['/api/monitors/:id', 'GET PATCH DELETE'],
  ['/api/monitors/:id/pause', 'POST'],
  ['/api/monitors/:id/resume', 'POST'],
  ['/api/monitors/:id/test', 'POST'],
  ['/api/provider-keys', 'GET POST'],
  ['/api/provider-keys/:id', 'GET PATCH PUT DELETE'],
  ['/api/load-balance-groups', 'GET POST'],
  ['/api/load-balance-groups/:group{.+}', 'GET PATCH PUT DELETE'],
  ['/api/settings', 'GET PATCH'],
  ['/api/cache', 'GET DELETE'],
  ['/api/prompts', 'GET POST'],
  ['/api/prompts/:prompt', 'GET PATCH PUT DELETE'],
  ['/api/prompts/list', 'GET POST'],
  ['/api/prompts/summary', 'GET'],
  ['/api/prompts/:prompt/versions', 'GET POST'],
  ['/api/prompts/:prompt/versions/:version', 'GET PATCH DELETE'],
  ['/api/prompts/:prompt/commits', 'GET POST'],
  ['/api/prompts/:prompt/deployments', 'POST'],
  ['/api/prompts/:prompt/labels', 'GET'],
  ['/api/prompts/:prompt/labels/:label', 'GET PUT DELETE'],
  ['/api/prompts/:prompt/experiments', 'GET POST'],
  ['/api/prompts/:prompt/experiments/:experiment', 'GET PATCH DELETE'],
  ['/api/webhooks', 'GET POST'],
  ['/api/webhooks/:id', 'GET PATCH DELETE'],
  ['/api/webhooks/:id/test', 'POST'],
]

/** Logs: a key that is no admin's sees and changes its own. */
const LOGS: Rows = [
  ['/api/log_threads', 'GET POST'],
  ['/api/request-logs', 'POST'],
  ['/api/request-logs/create', 'POST'],
  ['/api/v2/traces', 'POST'],
  ['/api/v1/traces', 'POST'],
  ['/v1/traces', 'POST'],
  ['/api/v1/traces/ingest', 'POST'],
  ['/api/traces/ingest', 'POST'],
  ['/api/traces/list', 'GET POST'],
  ['/api/traces/summary', 'GET POST'],
  ['/clickhouse/traces/summary', 'GET POST'],
  ['/api/clickhouse/traces/summary', 'GET POST'],
  ['/api/traces/:id', 'GET'],
  ['/api/request-logs/list', 'GET POST'],
  ['/api/request-logs/summary', 'GET POST'],
  ['/api/request-logs/tail', 'GET'],
  ['/api/request-logs/batch-update', 'PATCH'],
  ['/api/request-logs/:id', 'GET PATCH'],
  ['/api/usage', 'GET'],
]

/** What removes logs, or brings lost ones back, is for admin keys. */
const ADMINS_LOGS: Rows = [
  ['/api/traces/bulk-delete', 'POST'],
  ['/api/traces/:id', 'DELETE'],
  ['/api/request-logs/replay', 'POST'],
  ['/api/request-logs/:id', 'DELETE'],
]

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

/** Every route of the management API, as far as the gateway has to know it; a test compares it with what answers. */
export const managementTable: readonly ManagementEntry[] = [
  ...entries(NOUNS, 'admin', true),
  ...entries(LOGS, 'any_key', false),
  ...entries(ADMINS_LOGS, 'admin', false),
]

function entries(rows: Rows, auth: KeyedRoute['auth'], isConfig: boolean): ManagementEntry[] {
  return rows.flatMap(([path, methods]) => {
    const names = methods.split(' ')
    return METHODS.filter((method) => names.includes(method)).map((method) => ({
      ...{ method, path, auth },
      changesConfig: isConfig && method !== 'GET',
    }))
  })
}
