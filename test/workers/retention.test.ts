import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import consumer from '../../src/consumer/index'
import type { LogSettings } from '../../src/logs/log-settings'
import { removeExpired } from '../../src/logs/retention'
import { call, idsOf } from './log-calls'
import { deliver, inline, logRecord, rowsOf } from './log-records'

const DAY_MS = 86_400_000
const DAYS = [0, 1, 5, 20, 40]

function settings(retention: Partial<LogSettings['retention']>): LogSettings {
  const none = { bodies_days: null, logs_days: null, rollups_days: null, search_days: 100_000 }
  return { retention: { ...none, ...retention }, logging: { bodies: 'all', sample_rate: 1, search: true } }
}

/** Logs of different ages, each in a batch and so in an object of its own. */
async function written(name: string, nowMs: number): Promise<void> {
  for (const days of DAYS) {
    const startedAtMs = nowMs - days * DAY_MS
    const tags = { metadata: { name } }
    const body = inline(JSON.stringify({ messages: [{ role: 'user', content: `about ${name}` }] }))
    await deliver([
      logRecord(`${name}-${days}`, { startedAtMs, endedAtMs: startedAtMs + 1, tags, requestBody: body }),
    ])
  }
}

async function searched(name: string): Promise<unknown[]> {
  const span = 'start_time=2000-01-01T00:00:00Z&end_time=2100-01-01T00:00:00Z'
  return idsOf(await call('GET', `/api/request-logs/list/?${span}&search=${name}`))
}

describe('retention', () => {
  test('of rows takes what is found by them, and leaves bodies and roll-ups', async () => {
    const nowMs = Date.now()
    await written('rowed', nowMs)
    const removed = await removeExpired(env, settings({ logs_days: 10 }), nowMs)
    expect(removed).toEqual({ rows: 2, search: 0, rollups: 0, counted: 0, objects: 0 })
    expect((await rowsOf(...DAYS.map((days) => `rowed-${days}`))).map(({ id }) => id)).toEqual([
      'rowed-0',
      'rowed-1',
      'rowed-5',
    ])
    expect(await searched('rowed')).toEqual(['rowed-0', 'rowed-1', 'rowed-5'])
    const entries = env.LOGS.prepare("select count(*) as n from log_metadata where value = 'rowed'")
    expect(await entries.first('n')).toBe(3)
    expect((await env.BODIES.list({ prefix: 'bodies/packed/' })).objects).toHaveLength(5)
    const hours = env.LOGS.prepare('select sum(requests) as n from usage_hourly')
    expect(await hours.first('n')).toBe(5)
  })

  test('of bodies takes the objects whose day is past, and leaves rows', async () => {
    const nowMs = Date.now()
    await written('bodied', nowMs)
    const old = new Date(nowMs - 30 * DAY_MS).toISOString().slice(0, 10)
    const young = new Date(nowMs).toISOString().slice(0, 10)
    await env.BODIES.put(`bodies/large/${old}/a.request`, 'large')
    await env.BODIES.put(`bodies/large/${young}/b.request`, 'large')
    const { objects } = await removeExpired(env, settings({ bodies_days: 10 }), nowMs)
    // Two of this test, two of the one before, and the large one.
    expect(objects).toBe(5)
    expect(await rowsOf('bodied-40')).toHaveLength(1)
    expect((await call('GET', '/api/request-logs/bodied-40/')).body).toMatchObject({ full_request: null })
    expect((await call('GET', '/api/request-logs/bodied-5/')).body).toMatchObject({
      prompt_messages: [{ content: 'about bodied' }],
    })
    const left = await env.BODIES.list({ prefix: 'bodies/large/' })
    expect(left.objects.map(({ key }) => key)).toEqual([`bodies/large/${young}/b.request`])
  })

  test('of roll-ups and of search takes each alone', async () => {
    const nowMs = Date.now()
    await written('other', nowMs)
    const rollups = await removeExpired(env, settings({ rollups_days: 30 }), nowMs)
    expect(rollups).toMatchObject({ rollups: 1, rows: 0, search: 0, objects: 0 })
    const search = await removeExpired(env, settings({ search_days: 3 }), nowMs)
    expect(search).toMatchObject({ rollups: 0, rows: 0, objects: 0 })
    expect(search.search).toBeGreaterThanOrEqual(3)
    expect(await searched('other')).toEqual(['other-0', 'other-1'])
    expect(await rowsOf('other-40')).toHaveLength(1)
  })

  test('comes to an end with thousands of rows, and takes nothing twice', async () => {
    const oldMs = Date.now() - 100 * DAY_MS
    await env.LOGS.prepare(
      `with recursive n (n) as (select 1 union all select n + 1 from n where n < 2600)
      insert into request_logs (id, started_at_ms, ended_at_ms, environment, method, path, log_type, stream, ending,
        status_code, price_status, latency_ms, routing_ms, attempts)
      select 'bulk-' || n, ?1 + n, ?1 + n, 'prod', 'POST', '/', 'chat', 0, 'completed', 200, 'no_usage', 0, 0, '[]' from n`,
    )
      .bind(oldMs)
      .run()
    const first = await removeExpired(env, settings({ logs_days: 60 }), Date.now())
    expect(first.rows).toBe(2_600)
    expect((await removeExpired(env, settings({ logs_days: 60 }), Date.now())).rows).toBe(0)
  })

  test('is run by the cron as the settings say', async () => {
    await call('PATCH', '/api/settings/', { body: { retention: { logs_days: 3 } } })
    const nowMs = Date.now()
    await written('cron', nowMs)
    await consumer.scheduled({ scheduledTime: nowMs, cron: '* * * * *', noRetry() {} }, env)
    expect((await rowsOf(...DAYS.map((days) => `cron-${days}`))).map(({ id }) => id)).toEqual([
      'cron-0',
      'cron-1',
    ])
    const shown = await call('GET', '/api/settings/')
    expect(shown.body).toMatchObject({
      retention: { bodies_days: null, logs_days: 3, rollups_days: null, search_days: 30 },
      logging: { bodies: 'all', sample_rate: 1, search: true },
    })
  })
})

test('an object goes by its newest log, whatever came first in its batch', async () => {
  const nowMs = Date.now()
  const aged = (id: string, days: number) =>
    logRecord(id, { startedAtMs: nowMs - days * DAY_MS, endedAtMs: nowMs - days * DAY_MS })
  await deliver([aged('aged-old', 90), aged('aged-young', 0)])
  await removeExpired(env, settings({ bodies_days: 10 }), nowMs)
  expect((await call('GET', '/api/request-logs/aged-young/')).body.full_request).toEqual({ id: 'aged-young' })
})
