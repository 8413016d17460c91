import { createScheduledController } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import consumer from '../../src/consumer/index'
import type { LogStoreEnv } from '../../src/logs/log-store'
import { recordFromJson } from '../../src/logs/record-from-json'
import { keepUndelivered, recordToJson, UNDELIVERED_PREFIX } from '../../src/logs/undelivered'
import { awayDatabase } from './away'
import { bucketWith, inline, logRecord, rowsOf } from './log-records'

async function runCron(given: LogStoreEnv = env): Promise<void> {
  await consumer.scheduled(createScheduledController(), given)
}

async function waitingKeys(): Promise<string[]> {
  const { objects } = await env.BODIES.list({ prefix: UNDELIVERED_PREFIX })
  return objects.map(({ key }) => key)
}

// The worker's log is told what went wrong; here that is expected.
const told = vi.spyOn(console, 'error').mockImplementation(() => undefined)

beforeEach(async () => {
  await env.BODIES.delete(await waitingKeys())
  told.mockClear()
})

describe('a record as JSON', () => {
  const metadata = { nested: { list: [1, 'zwei', null] }, 'a.b': true, unicode: '漢字 😀' }
  test.each([
    ['as it is', logRecord('plain')],
    ['without bodies', logRecord('bodiless', { requestBody: undefined, responseBody: undefined })],
    [
      'with bytes that are not UTF-8',
      logRecord('bytes', { requestBody: { kind: 'inline', bytes: Uint8Array.from([0, 255, 128]) } }),
    ],
    ['with an empty body', logRecord('empty', { responseBody: inline('') })],
    [
      'with bodies that lie elsewhere',
      logRecord('elsewhere', {
        requestBody: { kind: 'object', key: 'k', sizeBytes: 1 },
        responseBody: { kind: 'lost', reason: 'r', sizeBytes: 2 },
      }),
    ],
    ['with tags', logRecord('tags', { tags: { metadata, properties: { p: 1 }, note: 'n' } })],
    [
      'with metadata that looks like a body',
      logRecord('lookalike', { tags: { metadata: { kind: 'inline', base64: 'bm8=' } } }),
    ],
    [
      'with metadata that looks like a broken body',
      logRecord('broken', { tags: { metadata: { base64: 'not base64!' } } }),
    ],
  ])('comes back: %s', (_, record) => {
    const back = recordFromJson(recordToJson(record))
    expect(back).toEqual(record)
    for (const side of ['requestBody', 'responseBody'] as const)
      if (record[side]?.kind === 'inline') expect(back[side]).toMatchObject({ bytes: record[side].bytes })
  })

  test.each(['', '{', 'null', '[]', '{"version":1}'])('is refused when it is %j', (text) => {
    expect(() => recordFromJson(text)).toThrow()
  })
})

describe('records that the queue did not take', () => {
  test('are kept in R2, each under its id', async () => {
    await keepUndelivered(env, [logRecord('kept-1'), logRecord('kept-2')], new Error('the queue is away'))
    expect(await waitingKeys()).toEqual(['undelivered/kept-1.json', 'undelivered/kept-2.json'])
  })

  test('are told of in the worker’s log when R2 does not take them either, each by its id', async () => {
    const away = { ...env, BODIES: bucketWith({ put: () => Promise.reject(new Error('R2 is away')) }) }
    await keepUndelivered(away, [logRecord('lost-1'), logRecord('lost-2')], new Error('the queue is away'))
    expect(told.mock.calls.map(([line]) => JSON.parse(String(line)))).toEqual([
      { event: 'log_lost', id: 'lost-1', queue: 'Error: the queue is away', r2: 'Error: R2 is away' },
      { event: 'log_lost', id: 'lost-2', queue: 'Error: the queue is away', r2: 'Error: R2 is away' },
    ])
  })

  test('do not take others with them that R2 takes', async () => {
    let count = 0
    const put: R2Bucket['put'] = (...args) =>
      ++count === 1 ? Promise.reject(new Error('once')) : env.BODIES.put(...args)
    await keepUndelivered(
      { ...env, BODIES: bucketWith({ put }) },
      [logRecord('first'), logRecord('second')],
      'away',
    )
    expect(await waitingKeys()).toEqual(['undelivered/second.json'])
  })
})

describe('the cron', () => {
  test('brings them in, bodies and all, and clears them away', async () => {
    const records = [logRecord('in-1'), logRecord('in-2', { tags: { metadata: { a: [1] } } })]
    await keepUndelivered(env, records, 'away')
    await runCron()
    expect(await waitingKeys()).toEqual([])
    expect(await rowsOf('in-1', 'in-2')).toMatchObject([
      { id: 'in-1', bodies: expect.stringContaining('"packed"') },
      { id: 'in-2', metadata: '{"a":[1]}' },
    ])
  })

  test('changes nothing that arrived by the queue as well', async () => {
    await keepUndelivered(env, [logRecord('both')], 'away')
    await runCron()
    await env.LOGS.prepare("update request_logs set note = 'checked' where id = 'both'").run()
    await keepUndelivered(env, [logRecord('both')], 'away')
    await runCron()
    expect(await rowsOf('both')).toMatchObject([{ note: 'checked' }])
    expect(await waitingKeys()).toEqual([])
  })

  test('leaves them where they are while D1 is away', async () => {
    await keepUndelivered(env, [logRecord('patient')], 'away')
    await runCron({ LOGS: awayDatabase(), BODIES: env.BODIES }).catch(() => undefined)
    expect(await waitingKeys()).toEqual(['undelivered/patient.json'])
    await runCron()
    expect(await rowsOf('patient')).toHaveLength(1)
  })

  test('does nothing when there is nothing', async () => {
    await expect(runCron()).resolves.toBeUndefined()
  })

  test('takes a hundred at a time, and the rest the next time', async () => {
    const ids = Array.from({ length: 103 }, (_, index) => `many-${String(index).padStart(3, '0')}`)
    await keepUndelivered(
      env,
      ids.map((id) => logRecord(id)),
      'away',
    )
    await runCron()
    expect(await waitingKeys()).toHaveLength(3)
    await runCron()
    expect(await waitingKeys()).toEqual([])
    expect(
      await env.LOGS.prepare("select count(*) from request_logs where id like 'many-%'").first('count(*)'),
    ).toBe(103)
  })

  test.each([
    ['not JSON', '{'],
    [
      'of another version',
      JSON.stringify({ ...logRecord('x'), version: 9, requestBody: undefined, responseBody: undefined }),
    ],
  ])('is not held up by one that cannot be read, which stays: %s', async (_, text) => {
    await env.BODIES.put('undelivered/000-unreadable.json', text)
    await keepUndelivered(env, [logRecord(`behind ${text.length}`)], 'away')
    await runCron().catch(() => undefined)
    expect(await rowsOf(`behind ${text.length}`)).toHaveLength(1)
    expect(await waitingKeys()).toEqual(['undelivered/000-unreadable.json'])
  })
})
