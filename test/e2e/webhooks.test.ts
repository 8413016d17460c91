import { createHmac } from 'node:crypto'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ADMIN_KEY, type Gateway, startGateway, user } from './gateway'

let gateway: Gateway
let url: string
const received: { headers: IncomingHttpHeaders; body: string }[] = []
const answers: number[] = []
const server = createServer(async (request, response) => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  received.push({ headers: request.headers, body: Buffer.concat(chunks).toString() })
  response.writeHead(answers.shift() ?? 204).end()
})

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
  gateway = await startGateway()
})
afterAll(async () => {
  await gateway.close()
  server.close()
})

const SECRET = 'a secret of 16 or more'

async function ofLog(logId: string, count = 1) {
  for (const until = Date.now() + 20_000; Date.now() < until; await sleep(50)) {
    const found = received.filter(({ body }) => body.includes(logId))
    if (found.length >= count) return found
  }
  throw new Error(`No ${count} calls for ${logId}`)
}

test('every log is told, signed with the webhook’s secret, and without its texts', async () => {
  const made = await gateway.manage('POST', '/api/webhooks/', { name: 'main', url, secret: SECRET })
  expect(made).toMatchObject({ status: 201, body: { url, events: ['request_log'], is_paused: false } })
  expect(JSON.stringify(made)).not.toContain(SECRET)
  const { logId } = await gateway.chat({
    model: 'fake/good',
    messages: user('private words'),
    metadata: { a: 'b' },
  })
  const [call] = await ofLog(logId)
  const signature = createHmac('sha256', SECRET)
    .update(call?.body ?? '')
    .digest('hex')
  expect(call?.headers).toMatchObject({
    'x-respan-signature': signature,
    'x-keywordsai-signature': signature,
    'content-type': 'application/json',
    'idempotency-key': `${made.body.id}:${logId}`,
  })
  const listed = await fetch(`${gateway.url}/api/request-logs/list/?unique_id=${logId}`, {
    headers: { authorization: `Bearer ${ADMIN_KEY}` },
  })
  const { results } = await listed.json<{ results: object[] }>()
  expect(JSON.parse(call?.body ?? '')).toEqual({
    id: logId,
    event: 'request_log',
    created_at: Object(results[0]).timestamp,
    data: results[0],
  })
  expect(call?.body).not.toContain('private words')
})

test('a receiver that fails gets it again, and one that refuses leaves a dead letter', async () => {
  answers.push(500, 429)
  const { logId } = await gateway.chat({ model: 'fake/good', messages: user('x') })
  const calls = await ofLog(logId, 3)
  expect(new Set(calls.map(({ body }) => body)).size).toBe(1)
  answers.push(410)
  const refused = await gateway.chat({ model: 'fake/good', messages: user('y') })
  await ofLog(refused.logId)
  const sql = "select count(*) as n from dead_letters where reason like '%status 410%'"
  await expect.poll(() => gateway.env.LOGS.prepare(sql).first('n'), { timeout: 10_000 }).toBe(1)
})

describe('the webhooks themselves', () => {
  test('are tested, changed, paused and removed', async () => {
    const made = await gateway.manage('POST', '/api/webhooks/', { url })
    expect(made.body).toMatchObject({ name: url, secret: expect.stringMatching(/^whsec_[0-9a-f]{64}$/) })
    const path = `/api/webhooks/${made.body.id}/`
    expect(await gateway.manage('POST', `${path}test/`)).toMatchObject({
      body: { delivered: true, error: null },
    })
    expect(JSON.parse(received.at(-1)?.body ?? '')).toMatchObject({ event: 'test' })
    answers.push(418)
    expect(await gateway.manage('POST', `${path}test/`)).toMatchObject({ body: { delivered: false } })
    expect(await gateway.manage('PATCH', path, { name: 'n', is_paused: true })).toMatchObject({
      status: 200,
      body: { name: 'n', is_paused: true },
    })
    expect((await gateway.manage('GET', path)).body.secret).toBeUndefined()
    expect((await gateway.manage('GET', '/api/webhooks/')).body.count).toBe(2)
    expect((await gateway.manage('DELETE', path)).status).toBe(204)
    expect((await gateway.manage('GET', path)).status).toBe(404)
  })

  test.each([
    [{}, 'url'],
    [{ url: 'nowhere' }, 'url'],
    [{ url: 'ftp://example.com/x' }, 'url'],
    [{ url: 'https://example.com', events: ['everything'] }, 'events.0'],
    [{ url: 'https://example.com', secret: 'short' }, 'secret'],
  ])('%j is refused', async (body, field) => {
    const { status, body: told } = await gateway.manage('POST', '/api/webhooks/', body)
    expect({ status, fields: Object.keys(Object(told.errors)) }).toEqual({ status: 422, fields: [field] })
  })

  test('are for admins', async () => {
    expect((await gateway.manage('GET', '/api/webhooks/', undefined, gateway.key)).status).toBe(403)
  })
})
