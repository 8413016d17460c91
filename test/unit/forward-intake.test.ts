import { describe, expect, test } from 'vitest'
import { MAX_READ_BYTES, readForwarded } from '../../src/pipeline/forward-intake'

const JSON_TYPE = { 'content-type': 'application/json' }

/** What is known of a request and what goes on, as text where it was read. */
async function read(body: string, headers: Record<string, string>, isOwnPath = false) {
  const announced = { 'content-length': String(Buffer.byteLength(body)), ...headers }
  const request = new Request('http://gateway/x?stream=true', { method: 'POST', headers: announced, body })
  const { intake, body: rest, fields } = await readForwarded(request, isOwnPath)
  return { intake, fields, sent: rest instanceof Uint8Array ? Buffer.from(rest).toString() : rest }
}

describe('a request that is forwarded', () => {
  test.each([
    ['an object', '{ "a": [1], "note": "mine" }', { a: [1], note: 'mine' }],
    ['no object', '[1, 2]', {}],
    ['no JSON', '{"a": ', {}],
  ])('is read when it is small JSON, and goes on as it was: %s', async (_, body, fields) => {
    expect(await read(body, JSON_TYPE)).toMatchObject({
      fields,
      sent: body,
      intake: { parameters: {}, stream: true },
    })
  })

  test('goes on without gateway parameters where the path is our own', async () => {
    const body =
      '{"input_file_id": "f", "note": "x", "metadata": {"theirs": 1}, "respan_params": {"category": "c"}}'
    const { sent, intake, fields } = await read(body, JSON_TYPE, true)
    expect(sent).toBe('{"input_file_id": "f", "metadata": {"theirs": 1}}')
    expect(intake.parameters).toEqual({ note: 'x', category: 'c', metadata: { theirs: 1 } })
    expect(fields).toMatchObject({ input_file_id: 'f' })
  })

  test('has its tags by header', async () => {
    const { intake } = await read('{"note": "theirs"}', {
      ...JSON_TYPE,
      'x-respan-params': '{"note":"ours"}',
    })
    expect(intake.parameters).toEqual({ note: 'ours' })
  })

  test.each<[string, string, Record<string, string>]>([
    ['no JSON', 'a,b', { 'content-type': 'text/csv' }],
    ['large JSON', `"${'x'.repeat(MAX_READ_BYTES)}"`, JSON_TYPE],
    ['JSON of unknown length', '{}', { ...JSON_TYPE, 'content-length': 'unknown' }],
  ])('goes through unread when it is %s', async (_, body, headers) => {
    const { sent, intake } = await read(body, headers)
    expect(sent).toBeInstanceOf(ReadableStream)
    expect(intake.bytes).toHaveLength(0)
  })
})
