import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import OpenAI, { type ClientOptions } from 'openai'
import { createTestHarness } from 'wrangler'
import type { Env } from '../../src/platform/env'
import { type FakeUpstream, type JsonObject, startFakeUpstream } from '../fakes'
import { testVariables } from '../variables'
import { type Direct, latestDirect } from './direct'

/** The key under which the provider `fake` is stored; it must never be seen by anybody but the fake. */
export const UPSTREAM_KEY = 'sk-upstream-0123456789abcdef'
export const ADMIN_KEY = String(testVariables.ADMIN_KEY)

/** A management answer; `body` is empty when there is none. */
export interface Managed {
  status: number
  body: JsonObject
}

/** A log row as GET /api/request-logs/{id}/ shows it, as far as tests look at it. */
export interface LogRow {
  id: string
  ending: 'completed' | 'cancelled' | 'failed'
  status_code: number
  error_code: string | null
  error_message: string
  stream: boolean
  model: string | null
  attempts: {
    provider_id: string
    deployment_name: string
    credential_kind: string
    status_code: number
    error_code?: string
    is_retry: boolean
  }[]
  usage: { input_tokens: number; output_tokens: number; cache_read_tokens: number } | null
  usage_source: 'provider' | 'estimated' | 'partial' | null
  custom_identifier: string | null
  response_stream: string | null
  full_request: unknown
  full_response: unknown
  [field: string]: unknown
}

/** Both workers on a real port with empty storage, and a fake provider that is stored as `fake`. */
export interface Gateway {
  /** Without a slash at its end. */
  url: string
  upstream: FakeUpstream
  /** An inference key, and the id of its row. */
  key: string
  keyId: string
  /** Past wrangler's proxy. */
  direct: Direct
  /** The gateway's own bindings, live. */
  env: Env
  /** The ids that the responses so far said their logs have. */
  logIds: string[]
  /** fetch with a path, the inference key and JSON; a header given as null is left out. */
  fetch(path: string, init?: CallInit): Promise<Response>
  /** POST /v1/chat/completions: the status, the body and the log's id. */
  chat(body: object | string, init?: CallInit): Promise<ChatReply>
  /** The official SDK; it does not retry. */
  client(options?: ClientOptions): OpenAI
  /** A management call with the admin key. */
  manage(method: string, path: string, body?: object | string, key?: string): Promise<Managed>
  /** Waits until the log is written. */
  logOf(id: string): Promise<LogRow>
  /** The ids of all log rows, once there are so many and no more come. */
  loggedIds(count: number): Promise<string[]>
  /** Fires the consumer's cron, at this time. */
  tick(atMs: number): Promise<void>
  /** What both workers wrote to their own logs. */
  consoleLines(): string[]
  close(): Promise<void>
}

export interface CallInit {
  method?: string
  headers?: Record<string, string | null>
  body?: string | Uint8Array<ArrayBuffer> | FormData
  signal?: AbortSignal
}

export interface ChatReply {
  status: number
  headers: Headers
  text: string
  logId: string
}

/** One user message. */
export function user(content: string) {
  return [{ role: 'user' as const, content }]
}

/** Starts the gateway with these variables beside the usual ones of tests, and the consumer with its own. */
export async function startGateway(
  variables: Record<string, string> = {},
  ofConsumer: Record<string, string> = {},
): Promise<Gateway> {
  const upstream = await startFakeUpstream()
  const server = createTestHarness({
    root: resolve(import.meta.dirname, '../..'),
    workers: [
      { configPath: 'wrangler.toml', secrets: { ...testVariables, ...variables } },
      {
        configPath: 'src/consumer/wrangler.toml',
        secrets: { ...consumerVariables(variables), ...ofConsumer },
      },
    ],
  })
  const url = (await server.listen()).url.href.replace(/\/$/, '')
  const direct = latestDirect()
  const worker = server.getWorker<Env>('sluice')
  await worker.applyD1Migrations('CONFIG')
  await worker.applyD1Migrations('LOGS')
  const calls = callsTo(url)
  const fake = { provider_id: 'fake', api_key: UPSTREAM_KEY, base_url: upstream.url }
  // Without the variable's usual value nothing may be stored at a loopback address.
  if (variables.ALLOW_PRIVATE_UPSTREAMS === undefined) await made(calls, '/api/providers/', fake)
  const { api_key, id } = await made(calls, '/api/api-keys/', { name: 'of the test' })
  const env = await worker.getEnv()
  return {
    ...calls,
    ...inferenceCalls(url, String(api_key)),
    upstream,
    direct,
    keyId: String(id),
    env,
    loggedIds: (count) => loggedIds(env.LOGS, count),
    async tick(atMs) {
      await server
        .getWorker('sluice-consumer')
        .scheduled({ cron: '* * * * *', scheduledTime: new Date(atMs) })
    },
    consoleLines: () => server.getLogs().map(({ message }) => String(message)),
    async close() {
      await server.close()
      await upstream.close()
    },
  }
}

/** What the consumer needs of the gateway's variables. */
function consumerVariables(given: Record<string, string>): Record<string, string> {
  const { ENCRYPTION_KEY = '', ALLOW_PRIVATE_UPSTREAMS = '' } = { ...testVariables, ...given }
  return { ENCRYPTION_KEY, ALLOW_PRIVATE_UPSTREAMS }
}

function callsTo(url: string): Pick<Gateway, 'url' | 'manage' | 'logOf'> {
  const manage = async (method: string, path: string, body?: object | string, key = ADMIN_KEY) => {
    const response = await fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, body: text === '' ? {} : JSON.parse(text) }
  }
  const logOf = async (id: string) => {
    for (const until = Date.now() + 20_000; Date.now() < until; await sleep(150)) {
      const response = await fetch(`${url}/api/request-logs/${id}/`, {
        headers: { authorization: `Bearer ${ADMIN_KEY}` },
      })
      if (response.status === 200) return (await response.json()) as LogRow
      await response.body?.cancel()
    }
    throw new Error(`There is no log ${id}.`)
  }
  return { url, manage, logOf }
}

async function loggedIds(logs: D1Database, count: number): Promise<string[]> {
  const read = async () => {
    const { results } = await logs.prepare('select id from request_logs').all<{ id: string }>()
    return results.map(({ id }) => id)
  }
  for (const until = Date.now() + 20_000; Date.now() < until; await sleep(100))
    if ((await read()).length >= count) break
  // Longer than the consumer waits for a batch to fill.
  await sleep(1_500)
  return await read()
}

async function made({ manage }: Pick<Gateway, 'manage'>, path: string, body: object): Promise<JsonObject> {
  const answer = await manage('POST', path, body)
  // Storage that is kept has it already.
  if (answer.status !== 201 && answer.status !== 200)
    throw new Error(`POST ${path}: ${JSON.stringify(answer)}`)
  return answer.body
}

function inferenceCalls(
  url: string,
  key: string,
): Pick<Gateway, 'key' | 'logIds' | 'fetch' | 'chat' | 'client'> {
  const logIds: string[] = []
  const noted: typeof fetch = async (input, init) => {
    const response = await fetch(input, init)
    const id = response.headers.get('x-respan-log-id')
    if (id !== null) logIds.push(id)
    return response
  }
  const call: Gateway['fetch'] = (path, { headers = {}, ...init } = {}) => {
    const all = { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers }
    const given = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== null)
    return noted(url + path, { ...init, headers: given })
  }
  const chat: Gateway['chat'] = async (body, init) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const response = await call('/v1/chat/completions', { method: 'POST', body: text, ...init })
    const { status, headers } = response
    return { status, headers, text: await response.text(), logId: headers.get('x-respan-log-id') ?? '' }
  }
  const client = (options: ClientOptions = {}) =>
    new OpenAI({ apiKey: key, baseURL: `${url}/v1`, maxRetries: 0, fetch: noted, ...options })
  return { key, logIds, fetch: call, chat, client }
}
