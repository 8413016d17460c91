import { describe, expect, test } from 'vitest'
import { readIntake } from '../../../src/pipeline/intake'
import { loggableBody, upstreamBody } from '../../../src/pipeline/upstream-body'
import { SluiceError } from '../../../src/platform/failure'
import { imageEdits } from '../../../src/protocols/openai-media/images'
import { mediaEndpoints } from '../../../src/protocols/openai-media/table'
import { transcriptions } from '../../../src/protocols/openai-media/transcriptions'
import type { Protocol } from '../../../src/protocols/protocol'
import type { Target } from '../../../src/providers/target'
import { fieldsIn, formOf, HARD_BYTES, written } from './forms'

const FILE = ['file', HARD_BYTES] as const
const TARGET: Target = {
  providerId: 'p',
  model: 'p/up',
  upstreamModel: 'up',
  protocol: 'openai-chat',
  traits: {},
  url: 'https://p.example.com/v1',
  auth: { kind: 'none' },
  credential: { kind: 'none' },
}

type Fields = Parameters<typeof formOf>[0]

function intakeOf(fields: Fields, protocol: Protocol = transcriptions) {
  const request = new Request('http://gateway/', { method: 'POST', body: formOf(fields) })
  return readIntake({ request, protocol }, 10_000)
}

async function refusalOf(body: BodyInit, type: string | null, protocol: Protocol = transcriptions) {
  const headers = new Headers(type === null ? {} : { 'content-type': type })
  const request = new Request('http://gateway/', {
    method: 'POST',
    body: new Blob([await new Response(body).arrayBuffer()]),
    headers,
  })
  const cause: unknown = await readIntake({ request, protocol }, 10_000).catch((error: unknown) => error)
  if (cause instanceof SluiceError) return cause.failure
  throw cause instanceof Error ? cause : new Error('it was taken in')
}

describe('a form', () => {
  test('is routed by its fields, and goes on without those for the gateway', async () => {
    const intake = await intakeOf([
      ['respan_params', '{"customer_identifier":"c","metadata":{"a":1}}'],
      FILE,
      ['model', 'mine'],
      ['stream', 'True'],
      ['fallback_models[]', 'one'],
      ['fallback_models[]', 'two'],
      ['timeout', '2.5'],
      ['disable_log', 'false'],
      ['note', '12'],
      ['prompt', '{"x":1}'],
      ['timestamp_granularities[]', 'word'],
    ])
    expect(intake).toMatchObject({
      model: 'mine',
      stream: true,
      parameters: {
        customer_identifier: 'c',
        metadata: { a: 1 },
        fallback_models: ['one', 'two'],
        timeout: 2.5,
        disable_log: false,
        note: '12',
      },
    })
    const { body } = upstreamBody(intake, TARGET, { protocol: transcriptions, withUsage: false })
    expect(await fieldsIn(body, intake.form?.contentType ?? '')).toEqual([
      ['file', [...HARD_BYTES]],
      ['model', 'up'],
      ['stream', 'True'],
      ['prompt', '{"x":1}'],
      ['timestamp_granularities[]', 'word'],
    ])
  })

  test('may tell parameters in brackets, as the SDKs write objects', async () => {
    const intake = await intakeOf([
      FILE,
      ['model', 'm'],
      ['respan_params[customer_identifier]', 'c'],
      ['respan_params[disable_log]', 'true'],
      ['respan_params[metadata][a]', '1'],
      ['respan_params[__proto__][note]', 'x'],
      ['metadata[b]', '2'],
    ])
    expect(intake.parameters).toMatchObject({ customer_identifier: 'c', disable_log: true })
    expect([...intake.bodyNames]).toEqual(['respan_params', 'metadata'])
    const { body } = upstreamBody(intake, TARGET, { protocol: transcriptions, withUsage: false })
    expect((await fieldsIn(body, intake.form?.contentType ?? '')).map(([name]) => name)).toEqual([
      'file',
      'model',
    ])
  })

  test('is logged as its texts and what its files are, without credentials', async () => {
    const intake = await intakeOf([
      FILE,
      ['model', 'm'],
      ['customer_credentials', '{"fake":{"api_key":"sk-secret"}}'],
      ['image[]', 'a'],
      ['image[]', 'b'],
    ])
    expect(JSON.parse(new TextDecoder().decode(loggableBody(intake)))).toEqual({
      file: { name: 'a %22b%22.mp3', type: 'audio/mpeg', size_bytes: HARD_BYTES.length },
      model: 'm',
      image: ['a', 'b'],
    })
  })

  test("takes the target's defaults and edits", async () => {
    const intake = await intakeOf([FILE, ['model', 'm'], ['language', 'de']])
    const target: Target = {
      ...TARGET,
      defaults: { temperature: 0 },
      bodyEdits: { remove: ['language'], insert: { a: 'b' } },
    }
    const { body } = upstreamBody(intake, target, { protocol: transcriptions, withUsage: false })
    expect(
      (await fieldsIn(body, intake.form?.contentType ?? '')).filter(([name]) => name !== 'file').sort(),
    ).toEqual([
      ['a', 'b'],
      ['model', 'up'],
      ['temperature', '0'],
    ])
  })

  test('may name no model, for a pinned route', async () => {
    const intake = await intakeOf([FILE])
    expect(intake.model).toBeUndefined()
    const { body } = upstreamBody(intake, TARGET, { protocol: transcriptions, withUsage: false })
    expect((await fieldsIn(body, intake.form?.contentType ?? ''))[0]).toEqual(['model', 'up'])
  })
})

describe('a form is refused', () => {
  test.each<[string, Fields, object]>([
    ['without a file', [['model', 'm']], { param: 'file', code: 'missing_required_parameter' }],
    [
      'with a text for a file',
      [
        ['model', 'm'],
        ['file', 'x'],
      ],
      { param: 'file', code: 'invalid_type' },
    ],
    ['with two models', [FILE, ['model', 'a'], ['model', 'b']], { param: 'model', code: 'invalid_type' }],
    ['with a model in brackets', [FILE, ['model', 'a'], ['model[]', 'b']], { param: 'model' }],
    ['with a file for a model', [FILE, ['model', HARD_BYTES]], { param: 'model', code: 'invalid_type' }],
    ['with a stream that is no boolean', [FILE, ['model', 'm'], ['stream', 'yes']], { param: 'stream' }],
    ['with broken parameters', [FILE, ['model', 'm'], ['respan_params', '{']], { param: 'respan_params' }],
    ['with a timeout that is no number', [FILE, ['model', 'm'], ['timeout', 'x']], { param: 'timeout' }],
  ])('%s', async (_, fields, expected) => {
    const { bytes, contentType } = await written(formOf(fields))
    const refusal = await refusalOf(bytes.slice(), contentType)
    expect(refusal).toMatchObject({ kind: 'invalid_request', ...expected })
  })

  test.each([
    ['broken', '--b\r\n\r\n', 'multipart/form-data; boundary=b', transcriptions, 'not a valid form: part 1'],
    ['without a boundary', 'x', 'multipart/form-data', transcriptions, 'names no boundary'],
    ['empty', '', 'multipart/form-data; boundary=b', transcriptions, 'is empty; send a form'],
  ])('when it is %s', async (_, body, type, protocol, words) => {
    expect(await refusalOf(body, type, protocol)).toMatchObject({
      kind: 'invalid_request',
      message: expect.stringContaining(words),
    })
  })

  test.each<[string, string | null, Protocol, string]>([
    [
      'JSON where only a form will do',
      'application/json',
      transcriptions,
      "Send a form, of type 'multipart/form-data'",
    ],
    [
      'no type where only a form will do',
      null,
      transcriptions,
      'A body without a content type is not supported',
    ],
    ['a text where either will do', 'text/plain', imageEdits, 'or a form'],
  ])('%s', async (_, type, protocol, words) => {
    expect(await refusalOf('{"model":"m","prompt":"p"}', type, protocol)).toEqual({
      kind: 'unsupported_media_type',
      message: expect.stringContaining(words),
    })
  })

  test('where an endpoint takes JSON only', async () => {
    const { '/embeddings': embeddings } = mediaEndpoints
    const { bytes, contentType } = await written(formOf([['model', 'm']]))
    expect(await refusalOf(bytes.slice(), contentType, embeddings)).toMatchObject({
      kind: 'unsupported_media_type',
    })
  })
})
