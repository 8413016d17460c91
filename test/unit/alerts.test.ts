import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { shareDevVars } from '../../scripts/dev-vars.mjs'
import type { Channel } from '../../src/alerts/channel'
import { emailMessage } from '../../src/alerts/email-message'
import { ALERT_KINDS, type AlertEvent, payloadOf, toldOf } from '../../src/alerts/event'
import { send } from '../../src/alerts/send'
import { slackMessage } from '../../src/alerts/slack-message'
import { checkedTarget, type GivenChannel } from '../../src/management/channel-fields'

const AT = Date.parse('2026-11-21T09:45:00Z')
const limit = {
  ...{ name: 'budget', scope: 'api_key', subject: 'key-1', metric: 'cost', window: 'day' },
  ...{ threshold: 10, value: 10.5, resets_at: '2026-11-22T00:00:00.000Z' },
}
const monitor = {
  ...{ name: 'slow', metric: 'latency', aggregation: 'p95', comparison: 'above', threshold: 2 },
  ...{ value: 3.5, window_minutes: 15, filters: { model: 'demo/echo', environment: 'prod' } },
}

function event(kind: AlertEvent['kind'], details: Record<string, unknown>): AlertEvent {
  return { id: 'alert_1', kind, createdAtMs: AT, details }
}

describe('an event in words', () => {
  test.each<[AlertEvent['kind'], Record<string, unknown>, string, string]>([
    [
      ...(['limit.warn', limit, 'Limit passed: budget'] as const),
      'The API key key-1 went beyond $10 in this day. Requests go on.',
    ],
    [
      ...([
        'limit.block',
        { ...limit, scope: 'organization', window: 'total' },
        'Limit reached: budget',
      ] as const),
      'The organization used up $10 in all. Requests are refused.',
    ],
    [
      'limit.block',
      { ...limit, scope: 'customer', subject: 'ada', metric: 'concurrency', window: 'total', threshold: 3 },
      'Limit reached: budget',
      'The customer ada used up 3 concurrency at a time. Requests are refused.',
    ],
    [
      'limits.drift',
      { ...limit, metric: 'tokens', counted: 12, logged: 5, window_start: null },
      'Limit and logs differ: budget',
      'The counter of the API key key-1 stands at 12 tokens, the log rows come to 5 tokens.',
    ],
    [
      ...(['monitor.firing', monitor, 'Firing: slow'] as const),
      'p95 latency above 2 s over 15 minutes. It is 3.5 s.',
    ],
    [
      ...(['monitor.resolved', { ...monitor, metric: 'error_rate', value: null }, 'Resolved: slow'] as const),
      'No longer: p95 error rate above 2 over 15 minutes. It is not measured: there were no requests.',
    ],
  ])('%s', (kind, details, title, summary) => {
    expect(toldOf({ kind, details })).toMatchObject({ title, summary })
  })

  test.each(ALERT_KINDS)('%s is a message for each kind of channel', (kind) => {
    const one = event(kind, { ...limit, ...monitor, counted: 1, logged: 2, window_start: null })
    expect(payloadOf(one)).toMatchObject({
      id: 'alert_1',
      event: kind,
      created_at: '2026-11-21T09:45:00.000Z',
    })
    const { blocks } = slackMessage(one)
    expect(blocks.map(({ type }) => type)).toEqual(['header', 'section', 'section', 'context'])
    expect(
      JSON.stringify([payloadOf(one).title, blocks, emailMessage(one, { from: 'a', to: [] })]),
    ).not.toMatch(/undefined|\[object/)
  })

  test('cannot break out of a message', () => {
    const nasty = { ...limit, name: 'a<!channel>\r\nBcc: b@example.com & "c"' }
    const { blocks, text } = slackMessage(event('limit.warn', nasty))
    expect(text).not.toContain('<!channel>')
    expect(JSON.stringify(blocks.slice(1))).not.toContain('<!channel>')
    const mail = emailMessage(event('limit.warn', { ...nasty, subject: '<b>x</b>' }), {
      from: 'a',
      to: ['b'],
    })
    expect(mail.subject).not.toMatch(/[\r\n]/)
    expect(mail.html).not.toContain('<b>')
  })

  test('of any length is a message that Slack takes', () => {
    const { blocks } = slackMessage(
      event('limit.warn', { ...limit, name: 'n'.repeat(500), subject: 's'.repeat(9_000) }),
    )
    const [header, section] = blocks
    expect(JSON.stringify(header).length).toBeLessThan(250)
    expect(JSON.stringify(section).length).toBeLessThan(2_100)
  })
})

describe('sending', () => {
  const channel = (given: Partial<Channel>): Channel => ({
    ...{ id: 'c', name: 'c', type: 'webhook', address: {}, target: {} },
    ...given,
  })

  test("by Cloudflare's mail service is a mail with both bodies", async () => {
    const mails: unknown[] = []
    const EMAIL: SendEmail = {
      send: async (mail: unknown) => {
        mails.push(mail)
        return { messageId: 'm' }
      },
    }
    const address = { from: 'sluice@example.com', to: ['a@example.com'] }
    const sent = await send({ EMAIL }, channel({ type: 'email', address }), event('limit.block', limit))
    expect(sent).toEqual({ kind: 'sent' })
    expect(mails).toMatchObject([
      { ...address, subject: 'Limit reached: budget', text: expect.any(String), html: expect.any(String) },
    ])
    const broken: SendEmail = { send: () => Promise.reject(new Error('E_SENDER_NOT_VERIFIED')) }
    expect(
      await send({ EMAIL: broken }, channel({ type: 'email', address }), event('limit.block', limit)),
    ).toEqual({
      ...{ kind: 'failed', reason: 'E_SENDER_NOT_VERIFIED', isPermanent: false },
    })
    expect(await send({}, channel({ type: 'email', address }), event('limit.block', limit))).toMatchObject({
      ...{ kind: 'failed', isPermanent: true },
    })
  })

  test.each([
    'http://127.0.0.1:1/x',
    'https://[::1]/x',
    'https://169.254.169.254/latest/meta-data',
    'http://example.com/x',
    'https://localhost/x',
    'nowhere',
  ])('does not call %s, whenever it was stored', async (url) => {
    const calls = vi.spyOn(globalThis, 'fetch')
    for (const type of ['webhook', 'slack', 'email'] as const) {
      const given = { type, target: { url, secret: 'x'.repeat(16) }, address: { from: 'a', to: ['b'] } }
      expect(await send({}, channel(given), event('limit.block', limit))).toMatchObject({
        ...{ kind: 'failed', isPermanent: true },
      })
      const asked: GivenChannel = { name: 'c', type, url, ...(type === 'email' ? given.address : {}) }
      expect(() => checkedTarget({}, asked, { url })).toThrow('validation')
    }
    expect(calls).not.toHaveBeenCalled()
    calls.mockRestore()
  })
})

test("the consumer's local variables are kept, but for those that are the gateway's", () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-vars-'))
  const file = join(folder, '.dev.vars')
  const values = { ADMIN_KEY: 'a', ENCRYPTION_KEY: 'e1=', ALLOW_PRIVATE_UPSTREAMS: 'true' }
  shareDevVars(file, values)
  expect(readFileSync(file, 'utf8')).toMatch(/^#.*\nENCRYPTION_KEY=e1=\nALLOW_PRIVATE_UPSTREAMS=true\n$/)
  writeFileSync(file, 'OTHER=1\nENCRYPTION_KEY=old\n# mine\n')
  shareDevVars(file, values)
  expect(readFileSync(file, 'utf8')).toBe(
    'OTHER=1\n# mine\nENCRYPTION_KEY=e1=\nALLOW_PRIVATE_UPSTREAMS=true\n',
  )
  rmSync(folder, { recursive: true })
})
