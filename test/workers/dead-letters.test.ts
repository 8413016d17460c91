import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { recordFromJson } from '../../src/logs/record-from-json'
import { awayDatabase } from './away'
import { bucketWith, deliver, inline, logRecord, rowsOf } from './log-records'

interface DeadLetter {
  message_id: string
  log_id: string | null
  object_key: string
  reason: string
  received_at_ms: number
}

async function deadLetters(): Promise<DeadLetter[]> {
  return (await env.LOGS.prepare('select * from dead_letters order by message_id').all<DeadLetter>()).results
}

async function objectOf({ object_key: key }: DeadLetter): Promise<string> {
  return (await (await env.BODIES.get(key))?.text()) ?? ''
}

beforeEach(async () => {
  await env.LOGS.prepare('delete from dead_letters').run()
  // The consumer tells the worker's log what it could not do; here that is expected.
  vi.spyOn(console, 'error').mockImplementation(() => undefined)
})

describe('a message that is no log record', () => {
  test.each<[string, unknown, string]>([
    ['of a later version', { ...logRecord('later'), version: 2 }, '"id":"later"'],
    ['without its id', { ...logRecord('x'), id: undefined }, '"path":"/v1/chat/completions"'],
    ['with a field of another type', { ...logRecord('x'), startedAtMs: 'today' }, '"startedAtMs":"today"'],
    ['with a body of another kind', { ...logRecord('x'), requestBody: { kind: 'other' } }, '"kind":"other"'],
    ['null', null, 'null'],
    ['a text', 'hello', '"hello"'],
    ['a number', 7, '7'],
    ['a list', [1], '[1]'],
    ['bytes', new TextEncoder().encode('raw'), 'raw'],
    ['a number that JSON does not have', { version: 1, count: 10n }, '10'],
  ])('is kept, whole and listed, and not delivered again: %s', async (_, body, text) => {
    expect(await deliver([body])).toEqual({ 'message-0': 'ack' })
    const [letter, ...others] = await deadLetters()
    expect(others).toEqual([])
    if (letter === undefined) throw new Error('it is listed')
    expect(letter).toMatchObject({
      message_id: 'message-0',
      log_id: null,
      reason: expect.stringContaining('not a log record'),
    })
    expect(letter.object_key).toMatch(/^dead-letters\/\d{4}-\d\d-\d\d\/message-0\.json$/)
    expect(await objectOf(letter)).toContain(text)
  })

  test('does not keep the others of its batch from being written', async () => {
    const fates = await deliver([logRecord('before'), { version: 9 }, logRecord('after')])
    expect(fates).toEqual({ 'message-0': 'ack', 'message-1': 'ack', 'message-2': 'ack' })
    expect(await rowsOf('before', 'after')).toHaveLength(2)
    expect(await deadLetters()).toMatchObject([{ message_id: 'message-1' }])
  })

  test.each([
    ['D1', { LOGS: awayDatabase(), BODIES: env.BODIES }],
    ['R2', { LOGS: env.LOGS, BODIES: bucketWith({ put: () => Promise.reject(new Error('R2 is away')) }) }],
  ])('comes again while %s cannot take it', async (_, away) => {
    expect(await deliver([{ version: 9 }], { env: away, attempts: 3 })).toEqual({ 'message-0': 'retry 4' })
    expect(await deliver([{ version: 9 }])).toEqual({ 'message-0': 'ack' })
    expect(await deadLetters()).toHaveLength(1)
  })
})

describe('the dead-letter queue', () => {
  const queue = 'sluice-logs-dead'

  test('is stored: each message whole, with the id of its log', async () => {
    const record = logRecord('given-up', { tags: { metadata: { a: 1 } }, responseBody: inline('Grüße 😀') })
    expect(await deliver([record, { version: 9 }], { queue })).toEqual({
      'message-0': 'ack',
      'message-1': 'ack',
    })
    const [first, second] = await deadLetters()
    expect(first).toMatchObject({
      log_id: 'given-up',
      reason: expect.stringContaining('refused it too often'),
    })
    expect(second).toMatchObject({ log_id: null, message_id: 'message-1' })
    expect(await rowsOf('given-up')).toEqual([])
    // The object is in the form in which it can be brought in again.
    if (first === undefined) throw new Error('it is listed')
    expect(recordFromJson(await objectOf(first))).toEqual(JSON.parse(JSON.stringify(record), asBytes(record)))
  })

  test('is stored once, however often a message comes', async () => {
    await deliver([logRecord('again')], { queue })
    expect(await deliver([logRecord('again')], { queue })).toEqual({ 'message-0': 'ack' })
    expect(await deadLetters()).toHaveLength(1)
  })

  test('keeps what it cannot store', async () => {
    const away = { LOGS: awayDatabase(), BODIES: env.BODIES }
    expect(await deliver([logRecord('a'), logRecord('b')], { queue, env: away, attempts: 2 })).toEqual({
      'message-0': 'retry 2',
      'message-1': 'retry 2',
    })
  })
})

/** Puts a record's bodies back where JSON has lost them. */
function asBytes({ requestBody, responseBody }: ReturnType<typeof logRecord>) {
  return (key: string, value: unknown) => {
    if (key === 'requestBody') return requestBody
    return key === 'responseBody' ? responseBody : value
  }
}
