import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { emitLog } from '../../src/logs/emit'
import { spillLargeBodies } from '../../src/logs/large-bodies'
import { type LogBody, type LogRecord, logRecordSchema } from '../../src/logs/log-record'
import { recordFromJson } from '../../src/logs/record-from-json'
import { UNDELIVERED_PREFIX } from '../../src/logs/undelivered'
import { bucketWith, logRecord } from './log-records'

const METRICS = { backlogCount: 0, backlogBytes: 0 }

/** A queue that keeps what it is sent; before each send it may wait or fail. */
function queue(before: (sends: number) => Promise<void> | void = () => undefined) {
  const sends: { type: string | undefined; ids: string[] }[] = []
  let tries = 0
  const take = async (messages: { body: unknown; contentType?: string | undefined }[]) => {
    await before(++tries)
    const ids = messages.map(({ body }) => logRecordSchema.parse(body).id)
    sends.push({ type: messages[0]?.contentType, ids })
    return { metadata: { metrics: METRICS } }
  }
  const LOG_QUEUE: Queue<unknown> = {
    metrics: async () => METRICS,
    send: (body, options) => take([{ body, contentType: options?.contentType }]),
    sendBatch: (messages) => take([...messages]),
  }
  return {
    env: { ...env, LOG_QUEUE },
    sends,
    arrived: () => sends.flatMap(({ ids }) => ids),
    tries: () => tries,
  }
}

function idsOf(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${name}-${index}`)
}

function bodyOf(bytes: number): LogBody {
  return { kind: 'inline', bytes: new Uint8Array(bytes).fill(0x61) }
}

async function undelivered(): Promise<string[]> {
  const { objects } = await env.BODIES.list({ prefix: UNDELIVERED_PREFIX })
  return objects.map(({ key }) => key)
}

describe('a record', () => {
  test('alone is sent at once, in the form that keeps bytes', async () => {
    const { env: given, sends } = queue()
    await emitLog(given, logRecord('alone'))
    expect(sends).toEqual([{ type: 'v8', ids: ['alone'] }])
  })

  test('is taken by the real queue, also at the largest size that rides in a message', async () => {
    const record = logRecord('real', { requestBody: bodyOf(44_000), responseBody: bodyOf(43_900) })
    await emitLog(env, record)
    await Promise.all(
      idsOf('real', 250).map((id) => emitLog(env, logRecord(id, { requestBody: bodyOf(3_000) }))),
    )
    await emitLog(env, logRecord('large', { requestBody: bodyOf(300_000), responseBody: bodyOf(300_000) }))
    await emitLog(env, logRecord('tags', { tags: { metadata: { text: '漢'.repeat(30_000) } } }))
    expect(await undelivered()).toEqual([])
  })
})

describe('many records at the same time', () => {
  test('become few sends, and each arrives once', async () => {
    const { env: given, sends, arrived } = queue(() => scheduler.wait(5))
    const ids = idsOf('many', 500)
    await Promise.all(ids.map((id) => emitLog(given, logRecord(id))))
    expect(arrived().toSorted()).toEqual(ids.toSorted())
    expect(sends.length).toBeLessThanOrEqual(10)
    expect(Math.max(...sends.map(({ ids: sent }) => sent.length))).toBeLessThanOrEqual(100)
  })

  test('fill no send beyond what a queue takes', async () => {
    const { env: given, sends, arrived } = queue(() => scheduler.wait(5))
    const ids = idsOf('heavy', 40)
    await Promise.all(
      ids.map((id) =>
        emitLog(given, logRecord(id, { requestBody: bodyOf(40_000), responseBody: undefined })),
      ),
    )
    expect(arrived().toSorted()).toEqual(ids.toSorted())
    expect(Math.max(...sends.map(({ ids: sent }) => sent.length))).toBeLessThanOrEqual(5)
  })

  test('arrive once each, also when they come while others are on their way', async () => {
    const { env: given, sends, arrived } = queue(() => scheduler.wait(3))
    const ids = idsOf('waves', 200)
    await Promise.all(
      ids.map(async (id, index) => {
        await scheduler.wait(Math.floor(index / 20))
        await emitLog(given, logRecord(id))
      }),
    )
    await vi.waitFor(() => expect(arrived()).toHaveLength(ids.length))
    expect(arrived().toSorted()).toEqual(ids.toSorted())
    expect(sends.length).toBeLessThan(ids.length / 2)
  })
})

describe('a queue that fails', () => {
  test.each([1, 2, 3])('%i times and then works gets every record once', async (failures) => {
    const {
      env: given,
      arrived,
      tries,
    } = queue((count) => {
      if (count <= failures) throw new Error('the queue is away')
    })
    const ids = idsOf(`after-${failures}`, 20)
    await Promise.all(ids.map((id) => emitLog(given, logRecord(id))))
    await vi.waitFor(() => expect(arrived()).toHaveLength(20))
    expect(arrived().toSorted()).toEqual(ids.toSorted())
    expect(tries()).toBe(failures + 2)
    expect(await undelivered()).toEqual([])
  })

  test('for good leaves every record in R2, whole', async () => {
    const { env: given, arrived } = queue(() => {
      throw new Error('the queue is away')
    })
    const ids = idsOf('never', 5)
    await Promise.all(ids.map((id) => emitLog(given, logRecord(id))))
    await vi.waitFor(async () => expect(await undelivered()).toHaveLength(5))
    expect(arrived()).toEqual([])
    const object = await env.BODIES.get(`${UNDELIVERED_PREFIX}never-3.json`)
    expect(recordFromJson((await object?.text()) ?? '')).toEqual(logRecord('never-3'))
    await env.BODIES.delete(await undelivered())
  })

  test('makes nobody’s request fail, not even when R2 is away as well', async () => {
    const told = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const { env: given } = queue(() => {
      throw new Error('the queue is away')
    })
    const BODIES = bucketWith({ put: () => Promise.reject(new Error('R2 is away')) })
    await expect(emitLog({ ...given, BODIES }, logRecord('lost'))).resolves.toBeUndefined()
    expect(String(told.mock.calls[0]?.[0])).toContain('"id":"lost"')
    told.mockRestore()
  })
})

describe('a request that sends for others', () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-11-21T12:00:00Z') }))
  afterEach(() => vi.useRealTimers())

  test('and is gone is replaced: what it had on its way is sent again', async () => {
    let release = () => {}
    const stuck = new Promise<void>((resolve) => (release = resolve))
    const { env: given, arrived } = queue((count) => (count === 1 ? stuck : undefined))
    const leader = emitLog(given, logRecord('with-the-leader'))
    await scheduler.wait(1)
    await emitLog(given, logRecord('waiting'))
    expect(arrived()).toEqual([])
    vi.setSystemTime(Date.now() + 20_000)
    await emitLog(given, logRecord('the-next'))
    expect(arrived()).toEqual(['with-the-leader', 'waiting', 'the-next'])
    // The leader was only slow: it ends in order, and the next record finds everything as it should be.
    release()
    await leader
    await emitLog(given, logRecord('afterwards'))
    expect(new Set(arrived())).toEqual(new Set(['with-the-leader', 'waiting', 'the-next', 'afterwards']))
    expect(arrived().at(-1)).toBe('afterwards')
  })

  test('hands over after ten seconds, and goes on when nobody comes', async () => {
    const {
      env: given,
      arrived,
      sends,
    } = queue(() => {
      vi.setSystemTime(Date.now() + 4_000)
      return scheduler.wait(1)
    })
    const ids = idsOf('long', 450)
    await Promise.all(ids.map((id) => emitLog(given, logRecord(id))))
    expect(arrived().toSorted()).toEqual(ids.toSorted())
    expect(sends.length).toBeLessThanOrEqual(8)
  })
})

describe('bodies too large for a message', () => {
  const sizes = ({ requestBody, responseBody }: LogRecord) => [requestBody?.kind, responseBody?.kind]

  test.each<[string, number, number, [string, string]]>([
    ['neither', 40_000, 40_000, ['inline', 'inline']],
    ['the larger one, when it is the request', 60_000, 30_000, ['object', 'inline']],
    ['the larger one, when it is the response', 30_000, 60_000, ['inline', 'object']],
    ['the request of two that are alike', 50_000, 50_000, ['object', 'inline']],
    ['both', 500_000, 400_000, ['object', 'object']],
  ])('are put beside it: %s', async (name, request, response, kinds) => {
    const record = logRecord(`spill ${name}`, {
      requestBody: bodyOf(request),
      responseBody: bodyOf(response),
    })
    const spilled = await spillLargeBodies(env, record)
    expect(sizes(spilled)).toEqual(kinds)
    expect(spilled).toEqual({
      ...record,
      requestBody: spilled.requestBody,
      responseBody: spilled.responseBody,
    })
    for (const [side, size] of [
      ['requestBody', request],
      ['responseBody', response],
    ] as const) {
      const body = spilled[side]
      if (body?.kind !== 'object') continue
      expect(body).toEqual({
        kind: 'object',
        key: `bodies/large/2026-11-21/${record.id}.${side.replace('Body', '')}`,
        sizeBytes: size,
      })
      expect((await env.BODIES.head(body.key))?.size).toBe(size)
    }
  })

  test('that fit are left alone without a wait', () => {
    const record = logRecord('fits')
    expect(spillLargeBodies(env, record)).toBe(record)
  })

  test('that R2 refuses are lost, and the record says why', async () => {
    const away = { ...env, BODIES: bucketWith({ put: () => Promise.reject(new Error('R2 is away')) }) }
    const record = logRecord('refused', { requestBody: bodyOf(200_000), responseBody: undefined })
    expect((await spillLargeBodies(away, record)).requestBody).toEqual({
      kind: 'lost',
      reason: 'R2 refused it: Error: R2 is away',
      sizeBytes: 200_000,
    })
  })

  test.each<[string, LogRecord['tags'], number]>([
    ['metadata', { metadata: { text: 'x'.repeat(60_000) } }, 75_000],
    ['metadata beyond ASCII', { metadata: { text: '漢'.repeat(44_000) } }, 43_000],
    ['a note', { note: 'x'.repeat(80_000) }, 80_000],
    ['a customer’s name', { customerName: 'x'.repeat(80_000) }, 80_000],
  ])('make room for large tags, so that the queue takes the message: %s', async (_, tags, bytes) => {
    const record = logRecord('tagged', { tags, requestBody: bodyOf(bytes), responseBody: undefined })
    const spilled = await spillLargeBodies(env, record)
    await expect(env.LOG_QUEUE.send(spilled, { contentType: 'v8' })).resolves.toBeDefined()
  })
})
