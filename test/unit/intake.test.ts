import { describe, expect, test } from 'vitest'
import { readIntake } from '../../src/pipeline/intake'
import { SluiceError } from '../../src/platform/failure'
import { openaiChat } from '../../src/protocols/openai-chat/protocol'

const GOOD = '{"model":"m","messages":[{"role":"user","content":"hi"}]}'
const LONG = 'x'.repeat(60)

function request(
  body: BodyInit | null,
  headers: Record<string, string> = { 'content-type': 'application/json' },
) {
  return new Request('http://gateway/v1/chat/completions', { method: 'POST', body, headers })
}

/** A body of unknown length, in pieces. */
function inPieces(text: string, size: number): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text)
  let at = 0
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close()
      controller.enqueue(bytes.slice(at, at + size))
      at += size
    },
  })
}

function announced(text: string): Request {
  return request(text, { 'content-type': 'application/json', 'content-length': String(text.length) })
}

function streamed(text: string): Request {
  const init = { method: 'POST', body: inPieces(text, 7), duplex: 'half' }
  return new Request('http://gateway/', init)
}

async function refusalOf(given: Request, maxBodyBytes = 10_000) {
  const cause: unknown = await readIntake({ request: given, protocol: openaiChat }, maxBodyBytes).catch(
    (error: unknown) => error,
  )
  if (cause instanceof SluiceError) return cause.failure
  throw cause instanceof Error ? cause : new Error('it was taken in')
}

describe('a request body', () => {
  test('is kept as its bytes, with what the gateway must know of it', async () => {
    const intake = await readIntake({ request: request(GOOD), protocol: openaiChat }, 10_000)
    expect(new TextDecoder().decode(intake.bytes)).toBe(GOOD)
    expect(intake).toMatchObject({ model: 'm', stream: false, wantsStreamUsage: false, ignored: [] })
    expect(intake.members.map(({ key }) => key)).toEqual(['model', 'messages'])
  })

  test.each([
    'application/json',
    'application/json; charset=utf-8',
    'APPLICATION/JSON',
    'text/json',
    'application/vnd.api+json',
  ])('may be of type %s', async (type) => {
    expect(
      (await readIntake({ request: request(GOOD, { 'content-type': type }), protocol: openaiChat }, 10_000))
        .model,
    ).toBe('m')
  })

  test('may come in pieces and without a type or length', async () => {
    expect((await readIntake({ request: streamed(GOOD), protocol: openaiChat }, 10_000)).model).toBe('m')
  })

  test.each([
    [
      'a form',
      { 'content-type': 'application/x-www-form-urlencoded' },
      "'application/x-www-form-urlencoded'",
    ],
    ['a file upload', { 'content-type': 'multipart/form-data; boundary=x' }, 'multipart/form-data'],
    ['lines of JSON', { 'content-type': 'application/jsonl' }, "'application/jsonl'"],
    ['a compressed body', { 'content-type': 'application/json', 'content-encoding': 'gzip' }, "'gzip'"],
  ])('is refused as %s', async (_, headers, words) => {
    expect(await refusalOf(request(GOOD, headers))).toEqual({
      kind: 'unsupported_media_type',
      message: expect.stringContaining(words),
    })
  })

  test.each([
    ['announced', () => announced(GOOD)],
    ['that only shows while it comes', () => streamed(GOOD)],
  ])('is refused beyond the limit, with a length %s', async (_, make) => {
    expect(await refusalOf(make(), GOOD.length - 1)).toMatchObject({ kind: 'body_too_large' })
    expect((await readIntake({ request: make(), protocol: openaiChat }, GOOD.length)).model).toBe('m')
  })
})

describe('a body that is not JSON is a bad request that says where', () => {
  test.each([
    ['', 'is empty'],
    ['{"model":"m",\n "messages":[{}],}', '(line 2, column 18)'],
    ['{"model":"m" "messages":[{}]}', '(line 1, column 14)'],
    ['model=m', 'expected a JSON object (line 1, column 1)'],
    ['{"model":"m","model":"n","messages":[{}]}', 'the key "model" is given twice'],
  ])('%j', async (body, words) => {
    expect(await refusalOf(request(body))).toEqual({
      kind: 'invalid_request',
      code: 'invalid_json',
      message: expect.stringContaining(words),
    })
  })

  // The scan does not look into strings; whatever is read of them later must come to the same refusal.
  test.each([
    ['a bad escape in the model', '{"model":"a\\x","messages":[{}]}'],
    ['a bad escape in a long model', `{"model":"${LONG}\\x","messages":[{}]}`],
    ['half an escape in the model', '{"model":"\\u12","messages":[{}]}'],
    ['a control character in a long model', `{"model":"${LONG}\u0001","messages":[{}]}`],
    ['a bad escape in the stream options', '{"model":"m","messages":[{}],"stream_options":{"a":"\\x"}}'],
    ['a bad escape in a gateway parameter', '{"model":"m","messages":[{}],"metadata":{"a":"\\x"}}'],
    ['a bad escape in a container', '{"model":"m","messages":[{}],"respan_params":{"note":"\\x"}}'],
  ])('%s', async (_, body) => {
    expect(await refusalOf(request(body))).toMatchObject({ kind: 'invalid_request', code: 'invalid_json' })
  })
})
