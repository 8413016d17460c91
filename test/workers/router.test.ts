import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env, exports } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { app } from '../../src/gateway'
import { routes } from '../../src/routes/table'
import { storeKey } from './config-database'

const declared = routes.flatMap(({ method, paths }) => paths.map((path) => `${method} ${path}`))

/** A path that a route's pattern matches. */
function sampleOf(path: string): string {
  return path.replaceAll(/:\w+(?:\{[^}]*\})?/g, 'sample').replace('*', 'sample/x')
}

async function status(method: string, path: string, headers: Record<string, string> = {}): Promise<number> {
  const context = createExecutionContext()
  const init = { method, headers, ...(method === 'GET' ? {} : { body: '{}' }) }
  const response = await app.fetch(new Request(`https://gateway.example${path}`, init), env, context)
  await response.body?.cancel()
  await waitOnExecutionContext(context)
  return response.status
}

await storeKey('inference.key')

describe('the router', () => {
  test('has every route of the table, and no other', () => {
    const served = app.routes.map(({ method, path }) => `${method} ${path}`)
    expect(served.toSorted()).toEqual(declared.toSorted())
  })

  test('is what the worker answers with', async () => {
    const response = await exports.default.fetch('https://gateway.example/health')
    expect(await response.json()).toEqual({ status: 'ok', service: 'sluice' })
  })
})

const all = routes.flatMap((route) =>
  route.paths.map((path) => [`${route.method} ${path}`, route, sampleOf(path)] as const),
)

describe('every route', () => {
  test.each(all.filter(([, { auth }]) => auth !== 'none'))(
    '%s asks for a key, also with a slash behind it',
    async (_, { method }, path) => {
      expect(await status(method, path)).toBe(401)
      expect(await status(method, `${path}/`)).toBe(401)
      expect(await status(method, path, { authorization: 'Bearer wrong.key' })).toBe(401)
    },
  )

  test.each(all.filter(([, { auth }]) => auth === 'none'))(
    '%s answers anybody',
    async (_, { method }, path) => {
      expect(await status(method, path)).toBe(200)
    },
  )

  test.each(all.filter(([, { auth }]) => auth === 'admin'))(
    '%s is not for an inference key',
    async (_, { method }, path) => {
      expect(await status(method, path, { authorization: 'Bearer inference.key' })).toBe(403)
    },
  )
})

describe('a path that is not served', () => {
  test.each([
    ['GET', '/v2/models', 404],
    ['GET', '/v1', 404],
    ['GET', '/V1/models', 404],
    ['GET', '//v1/models', 404],
    ['POST', '/v1/chat/completions/extra', 404],
    ['POST', '/v1/nothing', 404],
    ['GET', '/api/unknown/', 404],
    ['GET', '/v1/chat/completions', 405],
    ['GET', '/v1/chat/completions/', 405],
    ['DELETE', '/v1/models', 405],
    ['PUT', '/api/limits/', 405],
    ['POST', '/', 405],
  ])('%s %s: %i', async (method, path, expected) => {
    expect(await status(method, path)).toBe(expected)
  })

  test('but for another method says which', async () => {
    const response = await exports.default.fetch('https://gateway.example/api/limits/some-id', {
      method: 'POST',
    })
    expect(response.headers.get('allow')).toBe('GET, PATCH, DELETE')
    expect(await response.json()).toMatchObject({
      error: { code: 'method_not_allowed' },
      detail: expect.any(String),
    })
  })
})
