import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Gateway, startGateway, user } from './gateway'

let gateway: Gateway

beforeAll(async () => {
  gateway = await startGateway()
})
afterAll(() => gateway.close())

describe('a model', () => {
  test('is made, listed for SDKs, called, changed, replaced and removed, also with slashes in its name', async () => {
    for (const name of ['plain', 'team/a', 'org/team/b c:free']) {
      const prices = { input_cost: 1.5, output_cost: 6, cache_hit_input_cost: 0.1 }
      const given = {
        model_name: name,
        provider_id: 'fake',
        display_name: 'D',
        ...prices,
        max_context_window: 8,
      }
      const made = await gateway.manage('POST', '/api/models/', given)
      expect(made).toMatchObject({
        status: 201,
        body: { id: name, ...given, upstream_model: name, source: 'db' },
      })
      expect((await gateway.manage('POST', '/api/models/', given)).status).toBe(200)
      const ids = (await gateway.client().models.list()).data.map(({ id }) => id)
      expect(ids.filter((id) => id === name)).toEqual([name])
      const path = `/api/models/${name.split('/').map(encodeURIComponent).join('/')}/`
      const patched = await gateway.manage('PATCH', path, { upstream_model: 'gpt-4o', output_cost: null })
      expect(patched).toMatchObject({
        status: 200,
        body: { upstream_model: 'gpt-4o', output_cost: null, input_cost: 1.5 },
      })
      const reply = await gateway.chat({ model: name, messages: user('hi') })
      expect([reply.status, reply.headers.get('x-sluice-model')]).toEqual([200, 'gpt-4o'])
      const replaced = await gateway.manage('PUT', path, { provider_id: 'fake' })
      expect(replaced).toMatchObject({
        status: 200,
        body: { upstream_model: name, input_cost: null, display_name: name },
      })
      expect((await gateway.manage('DELETE', path)).status).toBe(204)
      expect((await gateway.manage('GET', path)).status).toBe(404)
      expect((await gateway.chat({ model: name, messages: user('hi') })).status).toBe(404)
    }
  })

  test('is in the list with the slash as an array, and there is one for SDKs without', async () => {
    await gateway.manage('POST', '/api/models/', { model_name: 'b', provider_id: 'fake' })
    await gateway.manage('POST', '/api/models/', { model_name: 'a', custom_provider_id: 'fake' })
    const list = await gateway.manage('GET', '/api/models/?sort_by=model_name&all=true')
    expect(Array.isArray(list.body)).toBe(true)
    const names = Object.values(list.body).map((model) => String(Object(model).model_name))
    expect(names).toEqual(expect.arrayContaining(['a', 'b', 'demo/echo']))
    expect(names).toEqual([...names].sort((one, other) => one.localeCompare(other)))
    const sdk = await gateway.manage('GET', '/api/models')
    const entry = { id: 'a', object: 'model', created: 0, owned_by: 'custom' }
    expect(sdk.body).toMatchObject({ object: 'list', data: expect.arrayContaining([entry]) })
  })

  test('stands for another with its own name and prices', async () => {
    await gateway.manage('POST', '/api/models/', {
      model_name: 'base',
      provider_id: 'fake',
      upstream_model: 'gpt-4o',
    })
    const alias = { model_name: 'alias', base_model_name: 'base', input_cost: 1, output_cost: 2 }
    expect((await gateway.manage('POST', '/api/models/', alias)).status).toBe(201)
    const reply = await gateway.chat({ model: 'alias', messages: user('hi') })
    expect(reply.headers.get('x-sluice-model')).toBe('gpt-4o')
    expect(await gateway.logOf(reply.logId)).toMatchObject({
      model: 'alias',
      cost_nano_usd: 8 * 1_000 + 2 * 2_000,
    })
  })

  test('without a base is a 400 in the words of Respan', async () => {
    const answer = await gateway.manage('POST', '/api/models/', {
      model_name: 'x',
      base_model_name: 'nothing',
    })
    expect(answer.status).toBe(400)
    expect(Object.values(answer.body)).toContain('Base model not found')
  })

  test.for<[object, string]>([
    [{ provider_id: 'fake' }, 'model_name'],
    [{ model_name: ' ', provider_id: 'fake' }, 'model_name'],
    [{ model_name: 'x' }, 'provider_id'],
    [{ model_name: 'x', provider_id: 'nobody' }, 'provider_id'],
    [{ model_name: 'x', provider_id: 'fake', input_cost: -1 }, 'input_cost'],
    [{ model_name: 'x', provider_id: 'fake', streaming_support: true }, 'streaming_support'],
    [{ model_name: 'x', provider_id: 'fake', fallback_models: ['a', 5] }, 'fallback_models.1'],
  ])('like %j is refused, naming %s', async ([body, field]) => {
    const answer = await gateway.manage('POST', '/api/models/', body)
    expect(answer).toMatchObject({ status: 422, body: { detail: 'Validation error' } })
    expect(Object.keys(Object(answer.body.errors))).toEqual([field])
  })

  test('that is built in cannot be changed', async () => {
    expect((await gateway.manage('DELETE', '/api/models/demo/echo/')).status).toBe(403)
  })
})
