import { createScheduledController } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { sealTarget } from '../../src/alerts/channel'
import { measure } from '../../src/alerts/measure'
import consumer from '../../src/consumer/index'
import type { LogRecord } from '../../src/logs/log-record'
import { awayDatabase } from './away'
import { deliver, logRecord } from './log-records'

const NOW = Date.parse('2026-11-21T12:30:00Z')

/** The alert queue, which is another worker's in production: it takes messages, or does not. */
function alertQueue() {
  const taken: unknown[] = []
  const state = { isAway: false }
  const sendBatch = async (messages: Iterable<MessageSendRequest>) => {
    if (state.isAway) throw new Error('the queue is away')
    taken.push(...[...messages].map(({ body }) => body))
  }
  const queue = { ...env.LOG_QUEUE, sendBatch } as unknown as Queue
  return { taken, state, queue }
}

async function storeChannel(id: string): Promise<void> {
  const sealed = await sealTarget(env.ENCRYPTION_KEY, id, { url: 'https://example.com/' })
  await env.CONFIG.prepare(
    "insert into alert_channels (id, name, type, address, sealed, created_at_ms, updated_at_ms) values (?1, ?1, 'slack', '{}', ?2, 1, 1)",
  )
    .bind(id, sealed)
    .run()
}

/** A record of a request beyond a limit. */
function beyond(id: string, policyId: string): LogRecord {
  const limit = {
    ...{ policyId, name: policyId, scope: 'api_key', subject: 'key-1', metric: 'requests', window: 'day' },
    ...{ action: 'block' as const, currentValue: 5, newValue: 6, limitValue: 5, isWithinLimit: false },
    windowStartMs: NOW,
  }
  return logRecord(id, { limitInfo: { isAllowed: false, limits: [limit] } })
}

async function eventsAbout(policyId: string) {
  const found = await env.LOGS.prepare(
    "select id, queued_at_ms from alert_events where details ->> 'policy_id' = ?",
  )
    .bind(policyId)
    .all<{ id: string; queued_at_ms: number | null }>()
  return found.results
}

beforeEach(async () => {
  await env.CONFIG.prepare('delete from alert_channels').run()
  await env.LOGS.prepare('delete from dead_letters').run()
  // The consumer tells the worker's log what it could not do; here that is expected.
  vi.spyOn(console, 'error').mockImplementation(() => undefined)
})

describe('an event', () => {
  test('that the queue does not take is handed on by the cron, once', async () => {
    await storeChannel('one')
    await storeChannel('two')
    const { taken, state, queue } = alertQueue()
    const given = { ...env, ALERT_QUEUE: queue }
    state.isAway = true
    expect(await deliver([beyond('a', 'away')], { env: given })).toEqual({ 'message-0': 'ack' })
    const [event, ...others] = await eventsAbout('away')
    expect(others).toEqual([])
    expect(event).toMatchObject({ queued_at_ms: null })
    await consumer.scheduled(createScheduledController({ scheduledTime: new Date(NOW) }), given)
    expect(taken).toEqual([])
    state.isAway = false
    for (let run = 0; run < 2; run++)
      await consumer.scheduled(createScheduledController({ scheduledTime: new Date(NOW) }), given)
    expect(taken).toEqual([
      { version: 1, eventId: event?.id, channelId: 'one' },
      { version: 1, eventId: event?.id, channelId: 'two' },
    ])
    expect(await eventsAbout('away')).toMatchObject([{ queued_at_ms: NOW }])
  })

  test('is kept once, whatever is delivered again', async () => {
    const { taken, queue } = alertQueue()
    await storeChannel('one')
    const given = { ...env, ALERT_QUEUE: queue }
    const records = [beyond('b', 'again'), beyond('c', 'again')]
    for (let times = 0; times < 3; times++) await deliver(records, { env: given })
    expect(await eventsAbout('again')).toHaveLength(1)
    expect(taken).toHaveLength(1)
  })

  test('comes later when the database cannot keep it, with its log', async () => {
    const { queue } = alertQueue()
    await env.LOGS.prepare(
      "create trigger fault before insert on alert_events begin select raise(abort, 'injected fault'); end",
    ).run()
    const given = { ...env, ALERT_QUEUE: queue }
    expect(await deliver([beyond('d', 'faulty')], { env: given })).toEqual({ 'message-0': 'retry 1' })
    await env.LOGS.prepare('drop trigger fault').run()
    expect(await deliver([beyond('d', 'faulty')], { env: given, attempts: 2 })).toEqual({
      'message-0': 'ack',
    })
    expect(await eventsAbout('faulty')).toHaveLength(1)
  })

  test('is nothing to a deployment without alerts, which stores the log', async () => {
    const { LOGS, BODIES } = env
    expect(await deliver([beyond('e', 'nobody')], { env: { LOGS, BODIES } })).toEqual({ 'message-0': 'ack' })
    const row = await LOGS.prepare("select id from request_logs where id = 'e'").first('id')
    expect(row).toBe('e')
  })
})

describe('a message of the alert queue', () => {
  const queue = 'sluice-alerts'

  test('for an event or a channel that is gone is done with', async () => {
    const given = { ...env, ALERT_QUEUE: alertQueue().queue }
    const body = { version: 1, eventId: 'gone', channelId: 'gone' }
    expect(await deliver([body], { env: given, queue })).toEqual({ 'message-0': 'ack' })
  })

  test('of another version is kept as a dead letter', async () => {
    const given = { ...env, ALERT_QUEUE: alertQueue().queue }
    expect(await deliver([{ version: 2 }], { env: given, queue })).toEqual({ 'message-0': 'ack' })
    const reason = await env.LOGS.prepare('select reason from dead_letters').first('reason')
    expect(reason).toContain('not an alert of this version')
  })

  test('comes again while the database is away', async () => {
    const given = { ...env, CONFIG: awayDatabase(), ALERT_QUEUE: alertQueue().queue }
    const body = { version: 1, eventId: 'gone', channelId: 'gone' }
    expect(await deliver([body], { env: given, queue, attempts: 3 })).toEqual({ 'message-0': 'retry 4' })
  })

  test('that was refused too often is kept, and its delivery says so', async () => {
    const given = { ...env, ALERT_QUEUE: alertQueue().queue }
    await env.LOGS.prepare(
      "insert into alert_deliveries values ('given-up', 'one', 'failing', 20, 'no', 1)",
    ).run()
    const body = { version: 1, eventId: 'given-up', channelId: 'one' }
    expect(await deliver([body], { env: given, queue: 'sluice-alerts-dead' })).toEqual({ 'message-0': 'ack' })
    const found = await env.LOGS.prepare(
      "select state from alert_deliveries where event_id = 'given-up'",
    ).first()
    expect(found).toEqual({ state: 'given_up' })
    const { results } = await env.LOGS.prepare('select reason from dead_letters').all<{ reason: string }>()
    expect(results.map(({ reason }) => reason)).toContain('the alert was refused too often')
  })
})

describe('a monitor', () => {
  /** How SQLite would find what a monitor asks for. */
  async function plansOf(filters: Record<string, string>, windowMinutes: number): Promise<string[]> {
    const asked: string[] = []
    const noting = new Proxy(env.LOGS, {
      get(target, name) {
        if (name !== 'prepare') return Reflect.get(target, name)
        return (sql: string) => {
          asked.push(sql)
          return target.prepare(sql)
        }
      },
    })
    await measure(noting, { filters, windowMinutes, aggregation: 'p95' }, NOW)
    const plans: string[] = []
    for (const sql of asked) {
      const values = Array.from({ length: sql.split('?').length - 1 }, () => 1)
      const { results } = await env.LOGS.prepare(`explain query plan ${sql}`)
        .bind(...values)
        .all<{ detail: string }>()
      plans.push(...results.map(({ detail }) => detail))
    }
    return plans.filter((detail) => /request_logs|usage_hourly/.test(detail))
  }

  test.each<[string, Record<string, string>]>([
    ['all requests', {}],
    ['an environment', { environment: 'prod' }],
    ['a model', { model: 'demo/echo' }],
    ['a key', { api_key: 'key-1' }],
    ['a customer', { customer: 'ada' }],
    ['all at once', { environment: 'test', model: 'm', provider: 'p', api_key: 'k', customer: 'c' }],
  ])('of %s reads only its window, by an index', async (_, filters) => {
    for (const windowMinutes of [5, 360]) {
      const plans = await plansOf(filters, windowMinutes)
      expect(plans.length).toBeGreaterThan(2)
      expect(plans.some((plan) => plan.includes('usage_hourly'))).toBe(windowMinutes > 120)
      for (const plan of plans) expect(plan).toMatch(/^SEARCH .*(started_at_ms>|hour_ms>)/)
    }
  })
})
