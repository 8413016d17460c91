import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import type { LogRecord } from '../../src/logs/log-record'
import { call } from './log-calls'
import { deliver, inline, logRecord, rowsOf } from './log-records'

interface Work {
  calls: number
  statements: number
  rowsWritten: number
}

/** D1 as it is, counting what it is asked for and what it says that it wrote. */
function counted(work: Work): D1Database {
  return new Proxy(env.LOGS, {
    get(target, name) {
      if (name === 'batch')
        return async (statements: D1PreparedStatement[]) => {
          work.calls++
          work.statements += statements.length
          const results = await target.batch(statements)
          for (const { meta } of results) work.rowsWritten += meta.rows_written
          return results
        }
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

async function workOf(records: LogRecord[]): Promise<Work> {
  const work = { calls: 0, statements: 0, rowsWritten: 0 }
  await deliver(records, { env: { LOGS: counted(work), BODIES: env.BODIES } })
  return work
}

const plain = (name: string, count: number, given: (index: number) => Partial<LogRecord> = () => ({})) =>
  Array.from({ length: count }, (_, index) => logRecord(`${name}-${index}`, given(index)))

describe('storing a batch', () => {
  test('takes as many statements for a hundred logs as for one', async () => {
    const one = await workOf(plain('one', 1))
    const hundred = await workOf(plain('hundred', 100))
    expect(hundred.calls).toBe(one.calls)
    expect(hundred.statements).toBe(one.statements)
    expect(hundred.statements).toBeLessThanOrEqual(8)
  })

  test.each<[string, number, (index: number) => Partial<LogRecord>]>([
    ['nothing but the request', 6.2, () => ({})],
    ['no bodies', 5.2, () => ({ requestBody: undefined, responseBody: undefined })],
    [
      'an end user, a thread and two keys of metadata',
      16.1,
      (index) => ({
        tags: {
          customerIdentifier: `u${index}`,
          threadIdentifier: `t${index}`,
          metadata: { a: index, b: 1 },
        },
      }),
    ],
  ])('of logs with %s writes at most %d rows each', async (name, most, given) => {
    const { rowsWritten } = await workOf(plain(name.slice(0, 12), 100, given))
    expect(rowsWritten / 100).toBeLessThanOrEqual(most)
  })
})

test('dead letters are replayed, and what is none of ours stays', async () => {
  const away = { LOGS: env.LOGS, BODIES: env.BODIES }
  const body = { requestBody: inline('{"a":1}'), responseBody: undefined }
  const letters = [logRecord('letter-1', body), logRecord('letter-2', body), { version: 99, other: true }]
  await deliver(letters, { env: away, queue: 'sluice-logs-dead' })
  await deliver([logRecord('letter-2', body)])
  const { status, body: answer } = await call('POST', '/api/request-logs/replay/')
  expect(status).toBe(200)
  expect(answer).toMatchObject({ replayed: 2 })
  expect(Object(answer).unreadable).toHaveLength(1)
  const listed = await env.LOGS.prepare('select count(*) as n from dead_letters').first('n')
  expect(listed).toBe(1)
  // The queue has them now; the store takes each once.
  await deliver([logRecord('letter-1', body), logRecord('letter-2', body)])
  expect(await rowsOf('letter-1', 'letter-2')).toHaveLength(2)
  expect((await call('POST', '/api/request-logs/replay/')).body).toMatchObject({ replayed: 0 })
  expect((await call('POST', '/api/request-logs/replay/?kind=other')).status).toBe(422)
})
