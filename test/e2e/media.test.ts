import OpenAI, { toFile } from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { endWithoutTerminal, json, type RecordedCall, raw, status } from '../fakes'
import { type Gateway, startGateway } from './gateway'

let gateway: Gateway
let client: OpenAI

beforeAll(async () => {
  gateway = await startGateway()
  client = gateway.client()
  const speech = { provider_id: 'fake', upstream_model: 'tts-up', input_cost: 1, output_cost: 2 }
  await gateway.manage('POST', '/api/models/', { model_name: 'team/tts', ...speech })
})
afterAll(() => gateway.close())

/** The one call with this upstream model. */
function callOf(model: string): RecordedCall {
  const found = gateway.upstream.calls.filter((call) => call.model === model)
  if (found[0] === undefined || found.length > 1) throw new Error(`${found.length} calls for ${model}`)
  return found[0]
}

function lastLog() {
  return gateway.logOf(gateway.logIds.at(-1) ?? '')
}

async function post(path: string, body: object, key = gateway.key) {
  const headers = { authorization: `Bearer ${key}` }
  const response = await gateway.fetch(path, { method: 'POST', body: JSON.stringify(body), headers })
  const text = await response.text()
  return { response, text, log: () => gateway.logOf(response.headers.get('x-respan-log-id') ?? '') }
}

async function eventsOf(events: AsyncIterable<{ type: string }>): Promise<string[]> {
  const types: string[] = []
  for await (const { type } of events) types.push(type)
  return types
}

const AUDIO = Uint8Array.from({ length: 70_000 }, (_, index) => index % 256)
const recording = () => toFile(AUDIO, 'talk.mp3', { type: 'audio/mpeg' })

describe('the official SDK', () => {
  test('embeds, as numbers and in base64', async () => {
    const texts = ['a', 'b']
    const given = { model: 'fake/embed-1', input: texts, customer_identifier: 'c' }
    const reply = await client.embeddings.create(given)
    expect(reply.data.map(({ embedding }) => embedding.length)).toEqual([8, 8])
    expect(callOf('embed-1').json()).toEqual({ model: 'embed-1', input: texts, encoding_format: 'base64' })
    expect(await lastLog()).toMatchObject({
      log_type: 'embedding',
      protocol: 'openai-embeddings',
      usage: { input_tokens: reply.usage.prompt_tokens, output_tokens: 0 },
      usage_source: 'provider',
      customer_identifier: 'c',
      full_request: { input: texts },
      full_response: { object: 'list' },
    })
  })

  test('completes, whole and streamed, with the usage of a stream that nobody asked for', async () => {
    const whole = await client.completions.create({ model: 'fake/davinci-1', prompt: 'Hello there' })
    expect(whole.choices[0]?.text).toBe('echo: Hello there')
    const chunks: OpenAI.Completion[] = []
    const given = { model: 'fake/davinci-2', prompt: 'Hello there', stream: true as const }
    for await (const chunk of await client.completions.create(given)) chunks.push(chunk)
    expect(chunks.map(({ choices }) => choices[0]?.text ?? '').join('')).toBe('echo: Hello there')
    expect(chunks.some((chunk) => 'usage' in chunk)).toBe(false)
    expect(callOf('davinci-2').json()).toMatchObject({ stream_options: { include_usage: true } })
    expect(await lastLog()).toMatchObject({
      log_type: 'completion',
      stream: true,
      usage: { input_tokens: whole.usage?.prompt_tokens, output_tokens: whole.usage?.completion_tokens },
      full_response: {
        object: 'text_completion',
        choices: [{ text: 'echo: Hello there', finish_reason: 'stop' }],
      },
    })
  })

  test('draws, and edits a picture that comes in a form', async () => {
    const drawn = await client.images.generate({ model: 'fake/draw-1', prompt: 'A cat', n: 2 })
    expect(drawn.data).toHaveLength(2)
    const image = await toFile(AUDIO, 'cat.png', { type: 'image/png' })
    const edited = await client.images.edit({ model: 'fake/draw-2', prompt: 'A dog', image: [image, image] })
    expect(edited.data).toHaveLength(1)
    const sent = callOf('draw-2').form
    expect(sent?.getAll('image[]')).toHaveLength(2)
    expect(await lastLog()).toMatchObject({
      log_type: 'image',
      full_request: { image: [{ name: 'cat.png', type: 'image/png', size_bytes: 70_000 }, {}] },
      usage: { output_tokens: 272 },
    })
    const varied = await client.images.createVariation({ model: 'fake/draw-3', image })
    expect(varied.data).toHaveLength(1)
  })

  test('is shown a picture while it is drawn', async () => {
    const given = { model: 'fake/draw-4', prompt: 'A cat', stream: true as const, partial_images: 2 }
    const types = await eventsOf(await client.images.generate(given))
    const piece = 'image_generation.partial_image'
    expect(types).toEqual([piece, piece, 'image_generation.completed'])
    expect(await lastLog()).toMatchObject({
      ending: 'completed',
      stream: true,
      usage: { output_tokens: 272 },
      usage_source: 'provider',
    })
  })

  test('hears speech, as a file and as events', async () => {
    const spoken = { model: 'fake/say-1', voice: 'alloy', input: 'Hello', response_format: 'wav' as const }
    const reply = await client.audio.speech.create(spoken)
    expect(reply.headers.get('content-type')).toBe('audio/wav')
    const audio = Buffer.from(await reply.arrayBuffer())
    expect(audio.toString('latin1')).toBe('ID3\u0004\u0000\u00ff\u00fbHello')
    expect(await lastLog()).toMatchObject({
      log_type: 'speech',
      stream: false,
      full_response: { content_type: 'audio/wav', size_bytes: audio.length },
      usage: null,
      usage_source: null,
      cost: null,
      price_status: 'no_usage',
    })
    const events = await client.audio.speech.create({ ...spoken, model: 'fake/say-2', stream_format: 'sse' })
    expect(await events.text()).toContain('speech.audio.done')
    expect(await lastLog()).toMatchObject({ stream: true, usage: { output_tokens: 5 } })
  })

  test.each([
    ['json', 'application/json', '"text": "echo: talk.mp3"'],
    ['text', 'text/plain; charset=utf-8', 'echo: talk.mp3\n'],
    ['srt', 'text/plain; charset=utf-8', '1\n00:00'],
    ['vtt', 'text/plain; charset=utf-8', 'WEBVTT'],
    ['verbose_json', 'application/json', '"task": "transcribe"'],
  ] as const)('reads a recording as %s', async (format, type, beginning) => {
    const file = await recording()
    const given = { model: `fake/hear-${format}`, file, response_format: format, prompt: 'A talk' }
    const reply = await client.audio.transcriptions.create(given).asResponse()
    expect(reply.headers.get('content-type')).toContain(type)
    expect(await reply.text()).toContain(beginning)
    const sent = callOf(`hear-${format}`).form
    const bytes = new Uint8Array(await new Response(sent?.get('file')).arrayBuffer())
    expect(Buffer.compare(bytes, AUDIO)).toBe(0)
    expect(await lastLog()).toMatchObject({
      log_type: 'transcription',
      full_request: {
        model: `fake/hear-${format}`,
        prompt: 'A talk',
        file: { name: 'talk.mp3', type: 'audio/mpeg', size_bytes: 70_000 },
      },
      usage: format === 'json' ? { input_tokens: 14, audio_input_tokens: 14 } : null,
    })
  })

  test('reads a recording while it is transcribed, and translates one', async () => {
    const file = await recording()
    const given = { model: 'fake/hear-1', file, stream: true as const }
    const types = await eventsOf(await client.audio.transcriptions.create(given))
    expect(types.at(-1)).toBe('transcript.text.done')
    expect(await lastLog()).toMatchObject({ stream: true, usage: { audio_input_tokens: 14 } })
    const { text } = await client.audio.translations.create({ model: 'fake/hear-2', file })
    expect(text).toBe('echo: talk.mp3')
  })

  test('moderates', async () => {
    const { results } = await client.moderations.create({ model: 'fake/mod-1', input: ['kill', 'love'] })
    expect(results.map(({ flagged }) => flagged)).toEqual([true, false])
    expect(await lastLog()).toMatchObject({ log_type: 'moderation', usage: null, price_status: 'no_usage' })
  })
})

test.each([...['/rerank', '/v1/rerank', '/api/rerank', '/api/v1/rerank', '/v2/rerank', '/api/v2/rerank']])(
  'POST %s ranks documents',
  async (path) => {
    const body = { model: 'fake/rank', query: 'cat', documents: ['dog', 'a cat'], top_n: 1 }
    const { text, log } = await post(path, body)
    expect(JSON.parse(text).results).toEqual([{ index: 1, relevance_score: 1 }])
    expect(await log()).toMatchObject({ log_type: 'rerank', usage_source: 'provider' })
  },
)

test.each(['', '/v1', '/api', '/api/v1'])(
  'a recording may be sent to %s/audio/transcription',
  async (base) => {
    const form = new FormData()
    form.append('respan_params', '{"customer_identifier":"c","metadata":{"a":1}}')
    form.append('model', `fake/alias${base.replaceAll('/', '-')}`)
    form.append('file', new File([AUDIO], 'talk.mp3'))
    const init = { method: 'POST', body: form, headers: { 'content-type': null } }
    const response = await gateway.fetch(`${base}/audio/transcription`, init)
    expect(await response.json()).toMatchObject({ text: 'echo: talk.mp3' })
    const sent = callOf(`alias${base.replaceAll('/', '-')}`)
    expect([...(sent.form?.keys() ?? [])]).toEqual(['model', 'file'])
    expect(sent.path).toBe('/v1/audio/transcriptions')
    expect(await lastLog()).toMatchObject({ customer_identifier: 'c', metadata: { a: 1 } })
  },
)

describe('what goes for a chat goes for these too', () => {
  const speak = (model: string, more: object = {}) => ({ model, voice: 'v', input: 'Hello', ...more })

  test('a custom model, by its prices', async () => {
    const { response, log } = await post('/v1/audio/speech', speak('team/tts', { stream_format: 'sse' }))
    expect(response.headers.get('x-sluice-model')).toBe('tts-up')
    const row = await log()
    expect(row).toMatchObject({ model: 'team/tts', price_status: 'custom_model' })
    expect(row.cost).toBeCloseTo((Number(row.usage?.input_tokens) * 1 + 5 * 2) / 1e6, 9)
  })

  test('a fallback, before the first byte', async () => {
    gateway.upstream.script('down', status(503, { error: { message: 'down' } }))
    const body = speak('fake/down', { fallback_models: ['fake/up'] })
    const { response, text, log } = await post('/v1/audio/speech', body)
    expect([response.status, text.endsWith('Hello')]).toEqual([200, true])
    expect((await log()).attempts.map(({ status_code }) => status_code)).toEqual([503, 200])
  })

  test("a key's allowed models", async () => {
    const made = await gateway.manage('POST', '/api/api-keys/', { name: 'k', allowed_models: ['fake/only'] })
    const key = String(made.body.api_key)
    const { response } = await post('/v1/embeddings', { model: 'fake/only', input: 'a' }, key)
    expect(response.status).toBe(200)
    const refused = await post('/v1/embeddings', { model: 'fake/other', input: 'a' }, key)
    expect([refused.response.status, JSON.parse(refused.text).error.param]).toEqual([403, 'model'])
  })

  test('limits', async () => {
    const made = await gateway.manage('POST', '/api/api-keys/', { name: 'limited' })
    const limit = {
      name: 'l',
      scope: 'api_key',
      subject: made.body.id,
      metric: 'requests',
      window: 'day',
      value: 1,
    }
    expect(await gateway.manage('POST', '/api/limits/', limit)).toMatchObject({ status: 201 })
    const key = String(made.body.api_key)
    const call = () => post('/v1/moderations', { model: 'fake/limited', input: 'a' }, key)
    await expect.poll(async () => (await call()).response.status, { timeout: 20_000 }).toBe(429)
  })

  test("a provider's own error, in its bytes", async () => {
    const error = {
      error: { message: 'Bad voice', type: 'invalid_request_error', param: 'voice', code: null },
    }
    gateway.upstream.script('sick', status(400, error))
    const { response, text, log } = await post('/v1/audio/speech', speak('fake/sick'))
    expect([response.status, JSON.parse(text)]).toEqual([400, error])
    expect(await log()).toMatchObject({ status_code: 400, ending: 'failed' })
  })

  test('a provider that speaks another protocol says so', async () => {
    const other = {
      provider_id: 'other',
      api_key: 'k',
      base_url: gateway.upstream.url,
      protocols: ['anthropic'],
    }
    await gateway.manage('POST', '/api/providers/', other)
    const { response, text } = await post('/v1/embeddings', { model: 'other/m', input: 'a' })
    expect([response.status, JSON.parse(text).error]).toEqual([
      400,
      expect.objectContaining({ param: 'model', message: expect.stringContaining('not translated') }),
    ])
  })
})

describe('a file that is spoken', () => {
  const speak = (model: string) => ({ model, voice: 'v', input: 'Hello' })
  const headers = { 'content-type': 'audio/mpeg' }

  test('comes while it is made', async () => {
    const chunks = [AUDIO.subarray(0, 4), { bytes: AUDIO.subarray(4, 8), delayMs: 1_500 }]
    gateway.upstream.script('slow', raw({ headers, chunks }))
    const startedAt = Date.now()
    const response = await gateway.fetch('/v1/audio/speech', {
      method: 'POST',
      body: JSON.stringify(speak('fake/slow')),
    })
    const reader = response.body?.getReader()
    const first = await reader?.read()
    expect([first?.value?.length, Date.now() - startedAt < 1_400]).toEqual([4, true])
    const second = await reader?.read()
    expect([...(second?.value ?? [])]).toEqual([4, 5, 6, 7])
  })

  test('that breaks off is a broken connection, and not a shorter file', async () => {
    gateway.upstream.script(
      'torn',
      raw({ headers, chunks: [AUDIO.subarray(0, 4), { bytes: '', delayMs: 300 }], ending: 'reset' }),
    )
    const response = await gateway.fetch('/v1/audio/speech', {
      method: 'POST',
      body: JSON.stringify(speak('fake/torn')),
    })
    const id = response.headers.get('x-respan-log-id') ?? ''
    await expect(response.arrayBuffer()).rejects.toThrow()
    expect(await gateway.logOf(id)).toMatchObject({
      ending: 'failed',
      error_code: 'upstream_incomplete',
      full_response: { content_type: 'audio/mpeg', size_bytes: 4 },
    })
  })

  test.each([
    ['JSON', json({ audio: 'x' }), 'a file was asked for, but it sent application/json'],
    ['an error', json({ error: { message: 'no voice' } }), 'no voice'],
    ['a page', raw({ headers: { 'content-type': 'text/html' }, chunks: ['<html>'] }), 'it sent text/html'],
    ['nothing', raw({ headers, chunks: [] }), 'ended before any content'],
  ])('is not %s', async (name, step, words) => {
    const model = `wrong-${name.replace(' ', '-')}`
    gateway.upstream.script(model, step)
    const { response, text } = await post('/v1/audio/speech', speak(`fake/${model}`))
    expect(response.status).toBe(502)
    expect(JSON.parse(text).error.message).toContain(words)
  })
})

test('a transcription that ends without its end is incomplete', async () => {
  gateway.upstream.script('half', endWithoutTerminal(1))
  const file = await recording()
  const events = await client.audio.transcriptions.create({ model: 'fake/half', file, stream: true })
  await expect(eventsOf(events)).rejects.toThrow(OpenAI.APIError)
  expect(await lastLog()).toMatchObject({ ending: 'failed', error_code: 'upstream_incomplete' })
})
