import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { app } from '../../src/gateway'
import { testVariables } from '../variables'

/** A management answer. */
export interface Answered {
  status: number
  body: Record<string, unknown>
}

/** A call of the gateway with the admin key, or another one. */
export async function call(
  method: string,
  path: string,
  given: { body?: unknown; key?: string; env?: Partial<typeof env> } = {},
): Promise<Answered> {
  const context = createExecutionContext()
  const { body, key = testVariables.ADMIN_KEY } = given
  const request = new Request(path.startsWith('http') ? path : `https://gateway.example${path}`, {
    method,
    headers: { authorization: `Bearer ${key}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const response = await app.fetch(request, { ...env, ...given.env }, context)
  const text = await response.text()
  await waitOnExecutionContext(context)
  return { status: response.status, body: text === '' ? {} : Object(JSON.parse(text)) }
}

/** The ids of a list, in its order. */
export function idsOf({ body }: Answered): unknown[] {
  return Array.isArray(body.results) ? body.results.map((log: { id: string }) => log.id) : [body]
}
