import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ADMIN_KEY, type Gateway, startGateway, user } from './gateway'

let gateway: Gateway

beforeAll(async () => {
  gateway = await startGateway()
})
afterAll(() => gateway.close())

interface Event {
  id: string
  event: string
  data: Record<string, unknown>
}

/** Listens, and gathers what comes. */
async function listen(query: string, given: { key?: string; lastId?: string } = {}) {
  const leaving = new AbortController()
  const { key = ADMIN_KEY, lastId } = given
  const response = await fetch(`${gateway.url}/api/request-logs/tail${query}`, {
    headers: { authorization: `Bearer ${key}`, ...(lastId === undefined ? {} : { 'last-event-id': lastId }) },
    signal: leaving.signal,
  })
  const events: Event[] = []
  const gather = async () => {
    let text = ''
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk
      const blocks = text.split('\n\n')
      text = blocks.pop() ?? ''
      for (const block of blocks) {
        const fields = Object.fromEntries(
          block.split('\n').map((line) => /^(\w*): ?(.*)$/.exec(line)?.slice(1) ?? ['', '']),
        )
        if (fields.event !== undefined)
          events.push({ id: fields.id, event: fields.event, data: JSON.parse(fields.data) })
      }
    }
  }
  gather().catch(() => undefined)
  const until = async (isThere: (event: Event) => boolean) => {
    for (const deadline = Date.now() + 15_000; Date.now() < deadline; await sleep(50)) {
      const found = events.find(isThere)
      if (found !== undefined) return found
    }
    throw new Error(`It did not come: ${JSON.stringify(events.map(({ event, data }) => [event, data.id]))}`)
  }
  if (response.status === 200) await until(({ event }) => event === 'ready')
  return { response, events, until, leave: () => leaving.abort() }
}

test('a new log comes as the list shows it, and none from before', async () => {
  const before = await gateway.chat({ model: 'fake/good', messages: user('before') })
  await gateway.logOf(before.logId)
  const tail = await listen('')
  expect(tail.response.headers.get('content-type')).toContain('text/event-stream')
  const { logId } = await gateway.chat({ model: 'fake/good', messages: user('now') })
  const { data } = await tail.until((event) => event.data.id === logId)
  expect(data).toMatchObject({
    unique_id: logId,
    model: 'fake/good',
    status: 'success',
    prompt_tokens: expect.any(Number),
  })
  expect(tail.events.map((event) => event.data.id)).not.toContain(before.logId)
  tail.leave()
})

test('filters are those of the list', async () => {
  const [failed, tagged] = await Promise.all([
    listen('?status_code[value]=400&status_code[operator]=gte'),
    listen('?model=demo/echo&feature=search'),
  ])
  const wrong = await gateway.chat({ model: 'nobody/knows', messages: user('x') })
  const other = await gateway.chat({ model: 'demo/echo', messages: user('x'), metadata: { feature: 'chat' } })
  const right = await gateway.chat({
    model: 'demo/echo',
    messages: user('x'),
    metadata: { feature: 'search' },
  })
  await failed.until(({ data }) => data.id === wrong.logId)
  await tagged.until(({ data }) => data.id === right.logId)
  expect(failed.events.filter(({ event }) => event === 'log')).toHaveLength(1)
  expect(tagged.events.map(({ data }) => data.id)).not.toContain(other.logId)
  failed.leave()
  tagged.leave()
  expect((await listen('?latency[value]=x&latency[operator]=gte')).response.status).toBe(400)
})

test('a listener that comes again misses nothing', async () => {
  const first = await listen('')
  const seen = await gateway.chat({ model: 'demo/echo', messages: user('seen') })
  const { id } = await first.until(({ data }) => data.id === seen.logId)
  first.leave()
  const missed = await gateway.chat({ model: 'demo/echo', messages: user('missed') })
  await gateway.logOf(missed.logId)
  const second = await listen('', { lastId: id })
  await second.until(({ data }) => data.id === missed.logId)
  expect(second.events.map(({ data }) => data.id)).not.toContain(seen.logId)
  second.leave()
})

test('one that is far behind is told how many rows it missed', async () => {
  const columns =
    'id, started_at_ms, ended_at_ms, environment, method, path, log_type, stream, ending, status_code, price_status, latency_ms, routing_ms, attempts'
  const rows = `with recursive n(i) as (select 1 union all select i + 1 from n where i < 6000)
    insert into request_logs (${columns}) select 'bulk-' || i, 1, 2, 'prod', 'POST', '/', 'chat', 0, 'completed', 200, 'no_usage', 1, 0, '[]' from n`
  const behind = await gateway.env.LOGS.prepare('select max(rowid) as n from request_logs').first<number>('n')
  await gateway.env.LOGS.prepare(rows).run()
  const tail = await listen('', { lastId: String(behind) })
  expect(await tail.until(({ event }) => event === 'dropped')).toMatchObject({ data: { rows: 6_000 } })
  const { logId } = await gateway.chat({ model: 'demo/echo', messages: user('after') })
  await tail.until(({ data }) => data.id === logId)
  tail.leave()
})

test('a key that is no admin hears of its own logs only', async () => {
  const { body } = await gateway.manage('POST', '/api/api-keys/', { name: 'other' })
  const tail = await listen('', { key: String(body.api_key) })
  const foreign = await gateway.chat({ model: 'demo/echo', messages: user('foreign') })
  const headers = { authorization: `Bearer ${body.api_key}` }
  const own = await gateway.chat({ model: 'demo/echo', messages: user('own') }, { headers })
  await tail.until(({ data }) => data.id === own.logId)
  expect(tail.events.map(({ data }) => data.id)).not.toContain(foreign.logId)
  tail.leave()
})
