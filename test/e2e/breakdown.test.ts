import type OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { endWithoutTerminal, stream } from '../fakes'
import { type Gateway, startGateway, user } from './gateway'

let gateway: Gateway

beforeAll(async () => {
  gateway = await startGateway()
  const prices = { input_cost: 2, output_cost: 10 }
  const model = { model_name: 'priced', provider_id: 'fake', upstream_model: 'good', ...prices }
  expect((await gateway.manage('POST', '/api/models/', model)).status).toBe(201)
})
afterAll(() => gateway.close())

const asked = {
  model: 'priced',
  messages: user('Hello'),
  request_breakdown: true,
  metadata: { feature: 'x' },
  category: 'greeting',
}

/** All of A6's keys, with what the log of the same request says. */
async function expected(logId: string, stream: boolean) {
  const log = await gateway.logOf(logId)
  return {
    prompt_tokens: log.prompt_tokens,
    completion_tokens: log.completion_tokens,
    cost: log.cost,
    prompt_messages: user('Hello'),
    completion_message: log.completion_message,
    model: 'priced',
    cached: false,
    timestamp: log.timestamp,
    status_code: 200,
    stream,
    latency: log.latency,
    routing_time: log.routing_time,
    scores: {},
    category: 'greeting',
    metadata: { feature: 'x' },
    full_request: log.full_request,
    sentiment_score: null,
  }
}

function eventsOf(text: string): Record<string, unknown>[] {
  return [...text.matchAll(/^data: ?({.*)$/gm)].map(([, data = '']) => JSON.parse(data))
}

test('in one piece it is a field of the reply', async () => {
  const { text, logId, headers } = await gateway.chat(asked)
  expect(headers.get('x-sluice-dropped')).toBeNull()
  const { request_breakdown, ...reply } = JSON.parse(text)
  expect(request_breakdown).toEqual(await expected(logId, false))
  expect(request_breakdown.cost).toBeGreaterThan(0)
  expect(reply).toMatchObject({ object: 'chat.completion' })
  const { logId: plain, text: without } = await gateway.chat({ ...asked, request_breakdown: false })
  expect(Object.keys(JSON.parse(without))).toEqual(Object.keys(reply))
  expect(plain).not.toBe(logId)
})

test('in a stream it is one more chunk before the end', async () => {
  const { text, logId } = await gateway.chat({ ...asked, stream: true })
  expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
  const events = eventsOf(text)
  expect(events.filter(({ id }) => id === 'request_breakdown')).toHaveLength(1)
  expect(events.at(-1)).toEqual({
    id: 'request_breakdown',
    choices: [
      {
        delta: { content: null, role: 'assistant' },
        finish_reason: 'stop',
        request_breakdown: await expected(logId, true),
        index: 0,
        message: { content: null, role: 'assistant' },
      },
    ],
    created: expect.any(Number),
    model: 'extra_parameter',
    object: 'chat.completion.chunk',
    system_fingerprint: null,
    usage: {},
  })
})

test('the SDK takes both', async () => {
  const client: OpenAI = gateway.client()
  const given = { model: 'priced', messages: user('Hello') }
  const breakdown = { request_breakdown: true }
  const whole = await client.chat.completions.create({ ...given, ...breakdown })
  expect(Object(whole).request_breakdown).toMatchObject({ model: 'priced' })
  const ids: string[] = []
  const stream = await client.chat.completions.create({ ...given, ...breakdown, stream: true })
  for await (const { id } of stream) ids.push(id)
  expect(ids.at(-1)).toBe('request_breakdown')
})

test('content comes while it is made, not with the breakdown at the end', async () => {
  gateway.upstream.script('held', stream({ content: ['first', 'second'], gapMs: 500 }))
  const response = await gateway.fetch('/v1/chat/completions', {
    method: 'POST',
    body: JSON.stringify({ ...asked, model: 'fake/held', stream: true }),
  })
  const reader = response.body?.getReader()
  let text = ''
  while (!text.includes('first')) text += new TextDecoder().decode((await reader?.read())?.value)
  expect(text).not.toContain('second')
  for (let piece = await reader?.read(); piece?.done === false; piece = await reader?.read())
    text += new TextDecoder().decode(piece.value)
  expect(text).toContain('request_breakdown')
})

test('a kept answer tells that it was kept, and what it cost nobody', async () => {
  const cached = { ...asked, cache_enabled: true, messages: user('cached breakdown') }
  await gateway.chat(cached)
  await expect
    .poll(async () => JSON.parse((await gateway.chat(cached)).text).request_breakdown, { timeout: 10_000 })
    .toMatchObject({ cached: true, cost: 0 })
  const { text } = await gateway.chat({ ...cached, stream: true })
  expect(eventsOf(text).at(-1)).toMatchObject({
    choices: [{ request_breakdown: { cached: true, stream: true, cost: 0 } }],
  })
  expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
})

describe('where there is none', () => {
  test('errors', async () => {
    const { text, status } = await gateway.chat({ ...asked, model: 'nobody/knows' })
    expect(status).toBe(404)
    expect(text).not.toContain('breakdown')
  })

  test('a stream that breaks off', async () => {
    gateway.upstream.script('broken', endWithoutTerminal(3))
    const { text } = await gateway.chat({ ...asked, model: 'fake/broken', stream: true })
    expect(text).not.toContain('request_breakdown')
  })

  test('other protocols say that they ignored it', async () => {
    const response = await gateway.fetch('/v1/messages', {
      method: 'POST',
      body: JSON.stringify({
        ...asked,
        max_tokens: 9,
        metadata: { respan_params: { request_breakdown: true } },
      }),
    })
    expect(response.headers.get('x-sluice-dropped')).toContain('request_breakdown')
    expect(await response.text()).not.toContain('prompt_messages')
  })
})
