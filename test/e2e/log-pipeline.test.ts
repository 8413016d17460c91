import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { endlessDrip, expectedUsage, status } from '../fakes'
import { type Gateway, startGateway, user } from './gateway'

const REQUESTS = 2_000
const CONCURRENCY = 20
/** A statement of the consumer writes up to 100 rows, so that about every other one of them fails. */
const FAULT = `create trigger fault before insert on request_logs when (abs(random()) % 150) = 0
  begin select raise(abort, 'injected fault'); end`

let gateway: Gateway
let keys: { id: string; key: string }[]

beforeAll(async () => {
  gateway = await startGateway()
  const { body } = await gateway.manage('POST', '/api/api-keys/', { name: 'second', environment: 'test' })
  keys = [
    { id: gateway.keyId, key: gateway.key },
    { id: String(body.id), key: String(body.api_key) },
  ]
  gateway.upstream.script('drip', endlessDrip(10, { content: ['drip drip drip '] }))
  gateway.upstream.script('fails', status(503))
})
afterAll(() => gateway.close())

/** What request number `index` asks for, and what its row must say. */
function plan(index: number) {
  const body = { messages: user(`number ${index}${' and more'.repeat(index % 7)}`) }
  const key = keys[index % 3 === 0 ? 1 : 0]
  const row = {
    custom_identifier: `request-${index}`,
    api_key_id: key?.id,
    environment: index % 3 === 0 ? 'test' : 'prod',
  }
  const headers = { authorization: `Bearer ${key?.key}` }
  const asked = { ...body, custom_identifier: row.custom_identifier }
  if (index % 10 === 0) {
    const wanted = { ...row, ending: 'cancelled', status_code: 499, usage_source: 'estimated', stream: 1 }
    return { headers, asked: { ...asked, model: 'fake/drip', stream: true }, hangsUp: true, row: wanted }
  }
  if (index % 10 === 1) {
    const wanted = { ...row, ending: 'failed', status_code: 503, usage_source: null, input_tokens: null }
    return { headers, asked: { ...asked, model: 'fake/fails' }, hangsUp: false, row: wanted }
  }
  const stream = index % 2 === 0
  const options = index % 4 === 0 ? { stream_options: { include_usage: true } } : {}
  const { prompt_tokens: input_tokens, completion_tokens: output_tokens } = expectedUsage(body)
  const usage = { usage_source: 'provider', input_tokens, output_tokens, stream: Number(stream) }
  const wanted = { ...row, ending: 'completed', status_code: 200, ...usage }
  return {
    headers,
    asked: { ...asked, model: 'fake/good', stream, ...(stream ? options : {}) },
    hangsUp: false,
    row: wanted,
  }
}

async function send(index: number): Promise<void> {
  const { asked, headers, hangsUp, row } = plan(index)
  if (!hangsUp) {
    const reply = await gateway.chat(asked, { headers })
    expect(reply.status).toBe(row.status_code)
    return
  }
  const leaving = new AbortController()
  const init = { method: 'POST', body: JSON.stringify(asked), headers, signal: leaving.signal }
  const response = await gateway.fetch('/v1/chat/completions', init)
  let received = ''
  for await (const bytes of response.body ?? []) {
    received += Buffer.from(bytes).toString()
    if (received.includes('drip drip')) break
  }
  leaving.abort()
}

async function sendAll(): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < REQUESTS) await send(next++)
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, worker))
}

type Row = Record<string, string | number | null>

async function rowsOf(count: number, withinMs: number): Promise<Row[]> {
  const logs = gateway.env.LOGS
  for (const until = Date.now() + withinMs; Date.now() < until; await sleep(250)) {
    const found = await logs.prepare('select count(*) as n from request_logs').first<number>('n')
    if (found !== null && found >= count) break
  }
  await sleep(1_500)
  return (await logs.prepare('select * from request_logs').all<Row>()).results
}

test('2,000 requests leave 2,000 right rows while clients leave, a provider fails and the database throws', {
  timeout: 180_000,
}, async () => {
  await gateway.env.LOGS.prepare(FAULT).run()
  await sendAll()
  await gateway.env.LOGS.prepare('drop trigger fault').run()
  const rows = await rowsOf(REQUESTS, 90_000)

  const failedBatches = gateway.consoleLines().filter((line) => line.includes('injected fault'))
  expect(failedBatches.length).toBeGreaterThan(0)
  expect(rows).toHaveLength(REQUESTS)
  const byName = new Map(rows.map((row) => [row.custom_identifier, row]))
  expect(byName.size).toBe(REQUESTS)
  for (let index = 0; index < REQUESTS; index++) {
    const { row, hangsUp } = plan(index)
    const found = byName.get(row.custom_identifier)
    expect(found).toMatchObject(row)
    if (hangsUp) expect(Number(found?.output_tokens)).toBeGreaterThan(0)
    expect(JSON.parse(String(found?.attempts))).toHaveLength(1)
  }
  expect(new Set(rows.map(({ id }) => id))).toEqual(new Set(gateway.logIds))
})

test('the roll-ups come to what the rows do', async () => {
  const { body } = await gateway.manage('GET', '/api/usage/?group_by=key')
  const summed = await gateway.env.LOGS.prepare(
    `select api_key_id, count(*) as requests, sum(ending = 'failed') as errors, sum(ending = 'cancelled') as cancelled,
      sum(output_tokens) as output from request_logs group by 1 order by 2 desc`,
  ).all<Row>()
  expect(body.results).toMatchObject(
    summed.results.map((row) => ({
      organization_key_id: row.api_key_id,
      number_of_requests: row.requests,
      errors: row.errors,
      cancelled: row.cancelled,
      total_completion_tokens: row.output,
    })),
  )
  expect(body.totals).toMatchObject({ number_of_requests: REQUESTS })
})

test('no record was given up on the way', async () => {
  const letters = await gateway.env.LOGS.prepare('select count(*) as n from dead_letters').first<number>('n')
  expect(letters).toBe(0)
  expect((await gateway.env.BODIES.list({ prefix: 'undelivered/' })).objects).toEqual([])
  expect(gateway.consoleLines().filter((line) => line.includes('log_lost'))).toEqual([])
})

test('the bodies of any of them can be read', async () => {
  const sample = Array.from({ length: 40 }, (_, index) => index * 49)
  for (const index of sample) {
    const { row, asked } = plan(index)
    const sql = 'select id from request_logs where custom_identifier = ?'
    const id = await gateway.env.LOGS.prepare(sql).bind(row.custom_identifier).first<string>('id')
    const log = await gateway.logOf(id ?? '')
    expect(log.full_request).toEqual(asked)
    const answer = { cancelled: 'drip drip', failed: 'server_is_overloaded', completed: `number ${index}` }
    expect(JSON.stringify(log.full_response)).toContain(answer[log.ending])
  }
})
