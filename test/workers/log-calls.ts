import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { app } from '../../src/gateway'
import { answerManagement } from '../../src/management/answer'
import type { ManagementEnv } from '../../src/management/route'
import type { GatewayEnv } from '../../src/pipeline/stages'
import { testVariables } from '../variables'

/** A management answer. */
export interface Answered {
  status: number
  body: Record<string, unknown>
}

/** A call of the gateway with the admin key, or another one; `consumer` has other bindings for who answers. */
export async function call(
  method: string,
  path: string,
  given: { body?: unknown; key?: string; consumer?: Partial<ManagementEnv> } = {},
): Promise<Answered> {
  const context = createExecutionContext()
  const { body, key = testVariables.ADMIN_KEY } = given
  const request = new Request(path.startsWith('http') ? path : `https://gateway.example${path}`, {
    method,
    headers: { authorization: `Bearer ${key}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const { consumer } = given
  const asked = consumer === undefined ? env : { ...env, MANAGEMENT: consumerWith(consumer, context) }
  const response = await app.fetch(request, asked, context)
  const text = await response.text()
  await waitOnExecutionContext(context)
  return { status: response.status, body: text === '' ? {} : Object(JSON.parse(text)) }
}

/** The consumer worker with other bindings than usual. */
function consumerWith(bindings: Partial<ManagementEnv>, context: ExecutionContext): GatewayEnv['MANAGEMENT'] {
  return {
    fetch: (input, init) => answerManagement(new Request(input, init), { ...env, ...bindings }, context),
    listRates: (model) => env.MANAGEMENT.listRates(model),
    listCost: (call) => env.MANAGEMENT.listCost(call),
  }
}

/** The ids of a list, in its order. */
export function idsOf({ body }: Answered): unknown[] {
  return Array.isArray(body.results) ? body.results.map((log: { id: string }) => log.id) : [body]
}
