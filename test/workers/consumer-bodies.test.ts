import { env } from 'cloudflare:workers'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { readBodies, type StoredBodies } from '../../src/logs/bodies'
import type { LogBody, LogRecord } from '../../src/logs/log-record'
import { bucketWith, deliver, inline, logRecord, rowsOf } from './log-records'

const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })

async function storedOf(id: string): Promise<StoredBodies> {
  const [row] = await rowsOf(id)
  return JSON.parse(String(row?.['bodies']))
}

/** The packed part of a log's bodies. */
async function packedOf(id: string) {
  const { packed } = await storedOf(id)
  if (packed === undefined) throw new Error(`${id} has packed bodies`)
  return packed
}

async function bytesOf(key: string, range?: { offset: number; length: number }): Promise<Uint8Array> {
  const object = await env.BODIES.get(key, range === undefined ? {} : { range })
  return new Uint8Array((await object?.arrayBuffer()) ?? new ArrayBuffer(0))
}

/** Both bodies of a log, as a reader gets them. */
async function readBack(id: string): Promise<Record<'request' | 'response', Uint8Array | undefined>> {
  return readBodies(env.BODIES, await storedOf(id))
}

describe('the bodies of a batch', () => {
  const records = [
    logRecord('pack-1', {
      requestBody: inline('{"a":"Grüße 漢字 😀"}'),
      responseBody: inline('data: 1\n\ndata: 2\r\n\r\n'),
    }),
    logRecord('pack-2', { requestBody: undefined, responseBody: undefined }),
    logRecord('pack-3', { requestBody: inline('only the request'), responseBody: undefined }),
    logRecord('pack-4', { requestBody: inline('x'.repeat(50_000)), responseBody: inline('') }),
  ]

  test('lie in one object by the hour, which zcat opens whole: a line for each record', async () => {
    await deliver(records)
    const { key } = await packedOf('pack-1')
    expect(key).toMatch(/^bodies\/packed\/2026\/11\/21\/09\/pack-1-[0-9a-f]{12}\.ndjson\.gz$/)
    const text = gunzipSync(await bytesOf(key)).toString('utf8')
    expect(text.endsWith('\n')).toBe(true)
    expect(
      text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      {
        id: 'pack-1',
        started_at: '2026-11-21T09:30:00.000Z',
        request: '{"a":"Grüße 漢字 😀"}',
        response: 'data: 1\n\ndata: 2\r\n\r\n',
      },
      { id: 'pack-3', started_at: '2026-11-21T09:30:00.000Z', request: 'only the request' },
      { id: 'pack-4', started_at: '2026-11-21T09:30:00.000Z', request: 'x'.repeat(50_000), response: '' },
    ])
  })

  test('are each a gzip of its own, where the row says', async () => {
    for (const id of ['pack-1', 'pack-3', 'pack-4']) {
      const { key, offset, length } = await packedOf(id)
      const line: unknown = JSON.parse(gunzipSync(await bytesOf(key, { offset, length })).toString('utf8'))
      expect(line).toMatchObject({ id })
    }
    const places = await Promise.all(['pack-1', 'pack-3', 'pack-4'].map(packedOf))
    expect(
      places.map(
        ({ offset }, index) => offset === (places[index - 1]?.offset ?? 0) + (places[index - 1]?.length ?? 0),
      ),
    ).toEqual([true, true, true])
    expect((await bytesOf(places[0]?.key ?? '')).length).toBe(
      (places[2]?.offset ?? 0) + (places[2]?.length ?? 0),
    )
  })

  test('are read back one by one', async () => {
    const { request, response } = await readBack('pack-1')
    expect(decoder.decode(request)).toBe('{"a":"Grüße 漢字 😀"}')
    expect(decoder.decode(response)).toBe('data: 1\n\ndata: 2\r\n\r\n')
    expect(await readBack('pack-2')).toEqual({ request: undefined, response: undefined })
    expect(await readBack('pack-3')).toEqual({
      request: new TextEncoder().encode('only the request'),
      response: undefined,
    })
    expect(await readBack('pack-4')).toMatchObject({ response: new Uint8Array(0) })
  })

  test('lie there once, also when a message came twice in the batch', async () => {
    await deliver([logRecord('once'), logRecord('once'), logRecord('once-2'), logRecord('once')])
    const text = gunzipSync(await bytesOf((await packedOf('once')).key)).toString('utf8')
    const lines: { id: string }[] = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines.map(({ id }) => id).toSorted()).toEqual(['once', 'once-2'])
  })

  test('have their sizes in the row', async () => {
    expect(await storedOf('pack-3')).toMatchObject({ request: { kind: 'packed', sizeBytes: 16 } })
    expect(await storedOf('pack-3')).not.toHaveProperty('response')
    expect(await storedOf('pack-2')).toEqual({})
  })
})

describe('a body comes back as the very bytes', () => {
  test.each<[string, number[]]>([
    ['text', [...new TextEncoder().encode('Grüße 😀 \u2028 \\ "')]],
    ['text behind a byte order mark', [0xef, 0xbb, 0xbf, 0x7b, 0x7d]],
    ['what is not UTF-8', [0xff, 0xfe, 0x00, 0x80, 0xc3, 0x28]],
    ['half a character', [0x61, 0xe2, 0x82]],
    ['control characters', [0, 1, 8, 9, 10, 13, 31, 127]],
    ['nothing', []],
    ['all bytes', Array.from({ length: 256 }, (_, byte) => byte)],
  ])('%s', async (name, numbers) => {
    const body: LogBody = { kind: 'inline', bytes: Uint8Array.from(numbers) }
    const id = `bytes of ${name}`
    await deliver([logRecord(id, { requestBody: body, responseBody: body })])
    const { request, response } = await readBack(id)
    expect([...(request ?? [])]).toEqual(numbers)
    expect([...(response ?? [])]).toEqual(numbers)
    expect(request).toBeDefined()
  })
})

describe('a body that is not in the message', () => {
  const large: LogRecord = logRecord('beside', {
    requestBody: { kind: 'object', key: 'bodies/large/2026-11-21/beside.request', sizeBytes: 5 },
    responseBody: { kind: 'lost', reason: 'R2 refused it', sizeBytes: 7 },
  })

  test('is read where it lies, and a lost one says why', async () => {
    await env.BODIES.put('bodies/large/2026-11-21/beside.request', 'large')
    await deliver([large])
    expect(await storedOf('beside')).toEqual({ request: large.requestBody, response: large.responseBody })
    const { request, response } = await readBack('beside')
    expect(decoder.decode(request)).toBe('large')
    expect(response).toBeUndefined()
  })

  test('is none when its object is gone', async () => {
    await env.BODIES.delete('bodies/large/2026-11-21/beside.request')
    expect(await readBack('beside')).toEqual({ request: undefined, response: undefined })
  })

  test('is none when the packed object is gone', async () => {
    await deliver([logRecord('vanished')])
    await env.BODIES.delete((await packedOf('vanished')).key)
    expect(await readBack('vanished')).toEqual({ request: undefined, response: undefined })
  })
})

test('two batches at the same time that begin with the same message do not overwrite each other', async () => {
  const [shared, left, right] = [logRecord('shared'), logRecord('left'), logRecord('right')]
  let arrived = 0
  let open = () => {}
  const bothHaveLooked = new Promise<void>((resolve) => (open = resolve))
  const BODIES = bucketWith({
    async put(...args: Parameters<R2Bucket['put']>) {
      if (++arrived === 2) open()
      await bothHaveLooked
      return env.BODIES.put(...args)
    },
  })
  await Promise.all([
    deliver([shared, left], { env: { LOGS: env.LOGS, BODIES } }),
    deliver([shared, right], { env: { LOGS: env.LOGS, BODIES } }),
  ])
  for (const id of ['shared', 'left', 'right']) {
    const { key, offset, length } = await packedOf(id)
    expect(JSON.parse(gunzipSync(await bytesOf(key, { offset, length })).toString('utf8'))).toMatchObject({
      id,
    })
  }
})
