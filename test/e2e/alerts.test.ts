import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AlertSink, startSink } from './alert-sink'
import { type Gateway, startGateway } from './gateway'

const SECRET = 'whsec_0123456789abcdef'
let gateway: Gateway
let sink: AlertSink

beforeAll(async () => {
  ;[gateway, sink] = await Promise.all([startGateway(), startSink()])
})
afterAll(async () => {
  await gateway.close()
  await sink.close()
})

async function channel(given: object) {
  const { status, body } = await gateway.manage('POST', '/api/alert-channels/', given)
  expect([200, 201], JSON.stringify(body)).toContain(status)
  return body
}

function webhook(name: string, more: object = {}) {
  return channel({ name, type: 'webhook', url: sink.url(`/${name}`), secret: SECRET, ...more })
}

const signed = (body: string, secret = SECRET) => createHmac('sha256', secret).update(body).digest('hex')

let requests = 0

/** A log record of a request beyond a limit, as the gateway hands it to the queue. */
function beyond(policyId: string, more: object = {}) {
  const nowMs = Date.now()
  const limit = {
    ...{ policyId, name: `limit ${policyId}`, scope: 'api_key', subject: 'key-1' },
    ...{ metric: 'cost', window: 'day', windowStartMs: nowMs - (nowMs % 86_400_000), resetsAtMs: nowMs + 1 },
    ...{ action: 'block', currentValue: 9.5, newValue: 10.5, limitValue: 10, isWithinLimit: false, ...more },
  }
  return {
    ...{ version: 1, id: `alert-request-${++requests}`, startedAtMs: nowMs, endedAtMs: nowMs },
    ...{ environment: 'prod', method: 'POST', path: '/v1/chat/completions', logType: 'chat', stream: false },
    ...{ ending: 'failed', statusCode: 429, routingMs: 0, attempts: [], dropped: [], tags: {} },
    limitInfo: { isAllowed: false, limits: [limit] },
  }
}

async function log(...records: object[]): Promise<void> {
  for (let at = 0; at < records.length; at += 50) {
    const some = records.slice(at, at + 50).map((body) => ({ body }))
    await gateway.env.LOG_QUEUE.sendBatch(some)
  }
}

async function eventsAbout(policyId: string) {
  const { body } = await gateway.manage('GET', '/api/alert-events/?page_size=1000')
  const all = body.results as { data: { policy_id?: string }; deliveries: object[] }[]
  return all.filter(({ data }) => data.policy_id === policyId)
}

describe('an alert channel', () => {
  test('is kept without its secrets ever being shown, or lying in the database', async () => {
    const made = await channel({ name: 'ops', type: 'slack', url: sink.url('/services/T0/B0/secret') })
    const shown = {
      id: expect.any(String),
      name: 'ops',
      type: 'slack',
      host: new URL(sink.url('/')).host,
      events: null,
      is_paused: false,
      created_at: expect.any(String),
      updated_at: expect.any(String),
    }
    expect(made).toEqual(shown)
    expect((await gateway.manage('GET', `/api/alert-channels/${made.id}/`)).body).toEqual(shown)
    const mail = await channel({
      ...{ name: 'mail', type: 'email', to: 'a@example.com', from: 'sluice@example.com' },
      ...{ url: sink.url('/mail'), api_key: 'mail-secret-key' },
    })
    expect(mail).toMatchObject({ to: ['a@example.com'], from: 'sluice@example.com' })
    const hook = await channel({ name: 'made', type: 'webhook', url: sink.url('/made') })
    expect(hook.secret).toMatch(/^whsec_[0-9a-f]{64}$/)
    const { body: list } = await gateway.manage('GET', '/api/alert-channels/')
    const rows = await gateway.env.CONFIG.prepare('select * from alert_channels').all()
    for (const text of [JSON.stringify(list), JSON.stringify(rows.results)])
      for (const secret of ['services/T0', 'mail-secret-key', String(hook.secret)])
        expect(text).not.toContain(secret)
    for (const { id } of [made, mail, hook])
      expect((await gateway.manage('DELETE', `/api/alert-channels/${id}/`)).status).toBe(204)
  })

  test('is made anew under its name, and changed by PATCH without losing its secret', async () => {
    const first = await webhook('changing')
    const again = await gateway.manage('POST', '/api/alert-channels/', {
      ...{ name: 'changing', type: 'webhook', url: sink.url('/changed'), secret: SECRET },
    })
    expect(again).toMatchObject({ status: 200, body: { id: first.id } })
    const path = `/api/alert-channels/${first.id}/`
    const patch = { events: ['limit.block'], is_paused: true, name: 'changed' }
    expect((await gateway.manage('PATCH', path, patch)).body).toMatchObject(patch)
    expect((await gateway.manage('POST', `${path}test/`)).body).toMatchObject({
      delivered: true,
      error: null,
    })
    const [request] = sink.at('/changed')
    expect(request?.headers['x-respan-signature']).toBe(signed(request?.body ?? ''))
    expect((await gateway.manage('DELETE', path)).status).toBe(204)
    expect((await gateway.manage('GET', path)).status).toBe(404)
  })

  test.each<[string, object]>([
    ['url', { type: 'slack' }],
    ['url', { type: 'webhook', url: 'nowhere' }],
    ['url', { type: 'webhook', url: 'http://example.com/hook' }],
    ['url', { type: 'webhook', url: 'https://me:secret@example.com/hook' }],
    ['url', { type: 'email', to: 'a@example.com', from: 'b@example.com' }],
    ['to', { type: 'email', url: 'https://example.com/', from: 'b@example.com' }],
    ['to', { type: 'email', url: 'https://example.com/', from: 'b@example.com', to: 'somebody' }],
    ['secret', { type: 'slack', url: 'https://example.com/', secret: SECRET }],
    ['secret', { type: 'webhook', url: 'https://example.com/', secret: 'short' }],
    ['events.0', { type: 'webhook', url: 'https://example.com/', events: ['limit.reached'] }],
    ['type', { type: 'pigeon', url: 'https://example.com/' }],
  ])('is refused for its %s: %j', async (field, given) => {
    const answer = await gateway.manage('POST', '/api/alert-channels/', { name: 'wrong', ...given })
    expect(answer.status).toBe(422)
    expect(Object.keys(Object(answer.body.errors))).toEqual([field])
    expect(JSON.stringify(answer.body)).not.toContain('me:secret')
  })

  test('needs an admin key', async () => {
    const { status } = await gateway.manage('GET', '/api/alert-channels/', undefined, gateway.key)
    expect(status).toBe(403)
  })
})

describe('a test', () => {
  const tried = async (id: unknown) => (await gateway.manage('POST', `/api/alert-channels/${id}/test/`)).body

  test('to Slack is blocks and a plain text', async () => {
    const { id } = await channel({ name: 'a <b> & c', type: 'slack', url: sink.url('/slack') })
    expect(await tried(id)).toMatchObject({ delivered: true, event_id: expect.stringMatching(/^alert_/) })
    const body = JSON.parse(sink.at('/slack')[0]?.body ?? '{}')
    expect(body.text).toBe('Test: a &lt;b&gt; &amp; c: Alerts of this gateway arrive here.')
    expect(body.blocks).toMatchObject([
      { type: 'header', text: { type: 'plain_text', text: 'Test: a <b> & c' } },
      { type: 'section', text: { type: 'mrkdwn' } },
      { type: 'context', elements: [{ type: 'mrkdwn', text: expect.stringContaining('<!date^') }] },
    ])
    await gateway.manage('DELETE', `/api/alert-channels/${id}/`)
  })

  test('to a mail service is a mail', async () => {
    const { id } = await channel({
      ...{ name: 'mail', type: 'email', to: ['a@example.com', 'b@example.com'], from: 'sluice@example.com' },
      ...{ url: sink.url('/mail'), api_key: 'mail-key' },
    })
    expect(await tried(id)).toMatchObject({ delivered: true })
    const [request] = sink.at('/mail')
    expect(request?.headers.authorization).toBe('Bearer mail-key')
    expect(JSON.parse(request?.body ?? '{}')).toEqual({
      from: 'sluice@example.com',
      to: ['a@example.com', 'b@example.com'],
      subject: 'Test: mail',
      text: expect.stringContaining('Alerts of this gateway arrive here.'),
      html: expect.stringContaining('<p>Alerts of this gateway arrive here.</p>'),
    })
    await gateway.manage('DELETE', `/api/alert-channels/${id}/`)
  })

  test('to a webhook is signed, under both names', async () => {
    const { id } = await webhook('signed')
    await tried(id)
    const [request] = sink.at('/signed')
    if (request === undefined) throw new Error('nothing came')
    const { headers, body } = request
    expect(headers['x-respan-signature']).toBe(signed(body))
    expect(headers['x-keywordsai-signature']).toBe(signed(body))
    expect(headers['x-respan-signature']).not.toBe(signed(body, 'another secret'))
    expect(JSON.parse(body)).toMatchObject({ event: 'test', id: headers['idempotency-key'] })
    await gateway.manage('DELETE', `/api/alert-channels/${id}/`)
  })

  test('that fails says how', async () => {
    const { id } = await webhook('refusing')
    sink.answer('/refusing', 500, 302)
    expect(await tried(id)).toMatchObject({
      delivered: false,
      error: 'The receiver answered with status 500: noted',
    })
    // A redirect might lead where the address may not.
    expect(await tried(id)).toMatchObject({ delivered: false, error: expect.stringContaining('302') })
    await gateway.manage('DELETE', `/api/alert-channels/${id}/`)
  })
})

test('no secret of a channel is in what the workers wrote', () => {
  const lines = gateway.consoleLines().join('\n')
  for (const secret of ['services/T0', 'mail-secret-key', 'mail-key', SECRET])
    expect(lines).not.toContain(secret)
})

describe('a limit that is passed', () => {
  test('is told once to each channel that takes it, however many requests there are', async () => {
    await webhook('all')
    await webhook('warnings', { events: ['limit.warn'] })
    await webhook('paused', { is_paused: true })
    await log(...Array.from({ length: 200 }, () => beyond('once')))
    const [told, ...others] = await sink.settled('/all', 1)
    expect(others).toEqual([])
    expect(sink.at('/warnings')).toEqual([])
    expect(sink.at('/paused')).toEqual([])
    const body = JSON.parse(told?.body ?? '{}')
    expect(told?.headers['x-respan-signature']).toBe(signed(told?.body ?? ''))
    expect(body).toEqual({
      id: expect.stringMatching(/^alert_[0-9a-f]{32}$/),
      event: 'limit.block',
      created_at: expect.stringMatching(/Z$/),
      title: 'Limit reached: limit once',
      summary: 'The API key key-1 used up $10 in this day. Requests are refused.',
      data: {
        ...{ policy_id: 'once', name: 'limit once', scope: 'api_key', subject: 'key-1' },
        ...{ metric: 'cost', window: 'day', action: 'block', threshold: 10, value: 10.5 },
        window_start: expect.stringMatching(/T00:00:00.000Z$/),
        resets_at: expect.any(String),
        log_id: expect.stringMatching(/^alert-request-/),
      },
    })
    expect(await eventsAbout('once')).toMatchObject([
      { event: 'limit.block', deliveries: [{ state: 'delivered', attempts: 1, error: null }] },
    ])
    // Some more of the same a while later, then what is something else.
    await log(beyond('once'), beyond('once'))
    const others2 = [
      beyond('once', { limitValue: 20 }),
      beyond('once', { subject: 'key-2' }),
      beyond('once', { windowStartMs: 0 }),
      beyond('other', { action: 'warn' }),
      beyond('within', { isWithinLimit: true }),
    ]
    await log(...others2, ...others2.map((record) => ({ ...record, id: `${record.id}-again` })))
    const all = await sink.settled('/all', 5)
    expect(all.map(({ body: text }) => JSON.parse(text).event).sort()).toEqual([
      ...Array.from({ length: 4 }, () => 'limit.block'),
      'limit.warn',
    ])
    expect(sink.at('/warnings')).toHaveLength(1)
  })

  test('is told again to a receiver that failed, with the same id, until it arrives', async () => {
    await webhook('flaky', { events: ['limit.block'] })
    sink.answer('/flaky', 503, 429)
    await log(beyond('flaky'))
    const got = await sink.settled('/flaky', 3)
    expect(got).toHaveLength(3)
    const ids = new Set(got.map(({ headers }) => headers['idempotency-key']))
    expect(ids.size).toBe(1)
    const [event] = await eventsAbout('flaky')
    expect(event?.deliveries).toContainEqual(
      expect.objectContaining({ state: 'delivered', attempts: 3, error: null }),
    )
    // Whoever works was not told again.
    expect(sink.at('/all').filter(({ body }) => body.includes('"flaky"'))).toHaveLength(1)
  })

  test('that a receiver refuses for good is kept as a dead letter', async () => {
    await webhook('gone', { events: ['limit.block'] })
    sink.answer('/gone', 410)
    await log(beyond('gone'))
    expect(await sink.settled('/gone', 1)).toHaveLength(1)
    const [event] = await eventsAbout('gone')
    expect(event?.deliveries).toContainEqual(
      expect.objectContaining({ state: 'given_up', error: expect.stringContaining('410') }),
    )
    const letters = await gateway.env.LOGS.prepare('select reason, object_key from dead_letters').all<{
      reason: string
      object_key: string
    }>()
    expect(letters.results).toMatchObject([{ reason: expect.stringContaining('the alert was not taken') }])
    const object = await gateway.env.BODIES.get(letters.results[0]?.object_key ?? '')
    expect(JSON.parse((await object?.text()) ?? '{}')).toMatchObject({
      version: 1,
      channelId: expect.any(String),
    })
  })
})
