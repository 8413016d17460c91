import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import { app } from '../../src/gateway'
import type { InferenceRoute } from '../../src/routes/route'
import { routes } from '../../src/routes/table'
import { changeBySql, storeKey } from './config-database'

/** What every route that takes JSON finds something in. */
const anything = {
  ...{ model: 'demo/echo', messages: [{ role: 'user', content: 'hi' }], max_tokens: 5 },
  ...{ input: 'hi', prompt: 'hi', query: 'hi', documents: ['hi'], voice: 'alloy' },
  contents: [{ role: 'user', parts: [{ text: 'hi' }] }],
}

/** Values for the parts of paths, and of the ones that are any path. */
const parts: Record<string, string> = { call: 'demo%2Fecho:generateContent', provider: 'demo', name: 'demo' }

function sampleOf(path: string): string {
  return path
    .replaceAll(/:(\w+)(?:\{[^}]*\})?/g, (_, name: string) => parts[name] ?? 'sample')
    .replace('*', 'v1/things/x')
}

function formOf(fields: object): FormData {
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) if (typeof value === 'string') form.set(name, value)
  for (const name of ['file', 'image']) form.set(name, new File(['x'], 'x.bin'))
  return form
}

/** Providers as if they were set up; nobody is called. */
const setUp = {
  ...{ OPENAI_API_KEY: 'k', ANTHROPIC_API_KEY: 'k', GEMINI_API_KEY: 'k', AZURE_API_KEY: 'k' },
  ...{ AZURE_OPENAI_API_KEY: 'k', AZURE_OPENAI_RESOURCE: 'r', VERTEX_API_KEY: 'k', VERTEX_PROJECT: 'p' },
  ...{ VERTEX_LOCATION: 'l', GOOGLE_SERVICE_ACCOUNT_JSON: '{}' },
}

async function statusOf(route: InferenceRoute, path: string): Promise<{ status: number; text: string }> {
  const ask = async (body: BodyInit | null, headers: Record<string, string>) => {
    const context = createExecutionContext()
    const url = `https://gateway.example${sampleOf(path)}`
    const init = { method: route.method, headers: { authorization: 'Bearer limited.key', ...headers }, body }
    const response = await app.fetch(new Request(url, init), { ...env, ...setUp }, context)
    const text = await response.text()
    await waitOnExecutionContext(context)
    return { status: response.status, text: `${response.status} ${text}` }
  }
  // What the router's own objects are asked for must be kept somewhere, or the answer is 404.
  const named = /\/(?:responses\/|files|batches)/.test(path) ? { 'x-respan-route-provider': 'openai' } : {}
  if (route.method === 'GET' || route.method === 'DELETE') return ask(null, named)
  // Only the older completions call their text so.
  const { prompt, ...others } = anything
  const body = path.endsWith('/responses') ? others : { ...others, prompt }
  const asJson = await ask(JSON.stringify(body), { 'content-type': 'application/json', ...named })
  if (asJson.status === 429) return asJson
  const asForm = await ask(formOf(anything), named)
  return asForm.status === 415 ? asJson : asForm
}

const inference = routes.flatMap((route) =>
  route.auth === 'inference'
    ? route.paths.map((path) => [`${route.method} ${path}`, route, path] as const)
    : [],
)

describe('no route that a provider answers can dodge a limit', () => {
  beforeAll(async () => {
    await storeKey('limited.key', { id: 'limited' })
    await changeBySql(
      "insert into limits (id, name, scope, subject, metric, window, value, action, created_at_ms, updated_at_ms) values ('shut', 'shut', 'api_key', 'limited', 'requests', 'day', 0, 'block', 1, 1)",
    )
  })

  test.each(inference)('%s', async (_, route, path) => {
    const { text } = await statusOf(route, path)
    expect(text).toMatch(/^429 .*The limit 'shut' is reached/)
  })
})
