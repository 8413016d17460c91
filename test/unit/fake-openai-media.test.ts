import OpenAI, { toFile } from 'openai'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import * as fakes from '../fakes'
import { fieldsOf, listOf, stringOf } from '../fakes/fields'

let upstream: fakes.FakeUpstream
let client: OpenAI
const model = 'some-model'

beforeAll(async () => {
  upstream = await fakes.startFakeUpstream()
  client = new OpenAI({ apiKey: 'sk-fake', baseURL: upstream.url, maxRetries: 0 })
})
afterEach(() => upstream.reset())
afterAll(() => upstream.close())

async function allOf<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const one of stream) all.push(one)
  return all
}

describe('texts', () => {
  test('embeddings are the same for the same text, in both encodings', async () => {
    const ask = (encoding_format: 'float' | 'base64') =>
      client.embeddings.create({ model, input: ['a b', 'a b', 'c'], dimensions: 4, encoding_format })
    const { data, usage } = await ask('float')
    expect(data.map(({ embedding }) => embedding.length)).toEqual([4, 4, 4])
    expect(data[0]?.embedding).toEqual(data[1]?.embedding)
    expect(data[0]?.embedding).not.toEqual(data[2]?.embedding)
    expect(usage).toEqual({ prompt_tokens: 5, total_tokens: 5 })
    const response = await fetch(`${upstream.url}/embeddings`, {
      method: 'POST',
      headers: { authorization: 'Bearer k' },
      body: JSON.stringify({ model, input: 'a b', dimensions: 4, encoding_format: 'base64' }),
    })
    const base64 = stringOf(listOf(fieldsOf(await response.json())['data'])[0]?.['embedding'])
    const bytes = new Uint8Array(Buffer.from(base64, 'base64'))
    expect([...new Float32Array(bytes.buffer)]).toEqual(data[0]?.embedding)
  })

  test('completions echo, whole or streamed', async () => {
    const request = { model, prompt: 'hello there' }
    const whole = await client.completions.create(request)
    expect(whole.choices[0]).toMatchObject({ text: 'echo: hello there', finish_reason: 'stop' })
    expect(whole.usage).toEqual({ prompt_tokens: 2, completion_tokens: 3, total_tokens: 5 })
    const stream_options = { include_usage: true }
    const chunks = await allOf(await client.completions.create({ ...request, stream: true, stream_options }))
    expect(chunks.map(({ choices }) => choices[0]?.text ?? '').join('')).toBe('echo: hello there')
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 5 } })
  })

  test('moderations flag, and rerank sorts', async () => {
    const { results } = await client.moderations.create({ input: ['hello', 'kill them'] })
    expect(results.map(({ flagged }) => flagged)).toEqual([false, true])
    const documents = ['about fish', 'a red apple', 'red']
    const reply = await client.post<{ results: { index: number }[] }>('/rerank', {
      body: { model, query: 'red apple', documents, top_n: 2 },
    })
    expect(reply.results.map(({ index }) => index)).toEqual([1, 2])
  })
})

describe('images and sounds', () => {
  test('images come whole, or with partial ones before', async () => {
    const { data, usage } = await client.images.generate({ model, prompt: 'a cat', n: 2 })
    expect(data?.map(({ b64_json }) => b64_json?.slice(0, 5))).toEqual(['iVBOR', 'iVBOR'])
    expect(usage?.total_tokens).toBe(274)
    const request = { model, prompt: 'a cat', stream: true, partial_images: 2 } as const
    const events = await allOf(await client.images.generate(request))
    expect(events.map(({ type }) => type)).toEqual([
      'image_generation.partial_image',
      'image_generation.partial_image',
      'image_generation.completed',
    ])
  })

  test('edits bring their pictures in a form, which is recorded', async () => {
    const image = await toFile(Buffer.from('png'), 'cat.png', { type: 'image/png' })
    const { data } = await client.images.edit({ model, image: [image, image], prompt: 'a hat' })
    expect(data).toHaveLength(1)
    const [call] = upstream.calls
    expect(call?.model).toBe(model)
    expect(call?.form?.get('prompt')).toBe('a hat')
    expect(call?.form?.getAll('image[]')).toHaveLength(2)
  })

  test('speech is bytes', async () => {
    const response = await client.audio.speech.create({ model, voice: 'alloy', input: 'hello' })
    expect(response.headers.get('content-type')).toBe('audio/mpeg')
    const bytes = Buffer.from(await response.arrayBuffer())
    expect(bytes.subarray(0, 3).toString()).toBe('ID3')
    expect(bytes.includes(0xff)).toBe(true)
    expect(bytes.subarray(-5).toString()).toBe('hello')
  })

  test.each(['transcriptions', 'translations'] as const)('%s hear what a script says', async (what) => {
    const file = await toFile(Buffer.from('RIFF'), 'talk.wav')
    const create = (response_format?: 'text') =>
      what === 'translations'
        ? client.audio.translations.create({ model, file, ...(response_format && { response_format }) })
        : client.audio.transcriptions.create({ model, file, ...(response_format && { response_format }) })
    expect(await create()).toMatchObject({ text: 'echo: talk.wav' })
    upstream.script(model, fakes.answer({ content: 'good morning' }))
    expect(await create()).toMatchObject({
      text: 'good morning',
      usage: { type: 'tokens', output_tokens: 2 },
    })
    expect(await create('text')).toBe('good morning\n')
  })

  test('transcriptions stream', async () => {
    const file = await toFile(Buffer.from('RIFF'), 'talk.wav')
    upstream.script(model, fakes.answer({ content: 'good morning' }))
    const events = await allOf(await client.audio.transcriptions.create({ model, file, stream: true }))
    expect(events).toMatchObject([
      { type: 'transcript.text.delta', delta: 'good' },
      { type: 'transcript.text.delta', delta: ' morning' },
      { type: 'transcript.text.done', text: 'good morning' },
    ])
  })
})

describe('files and batches', () => {
  test('a file is kept, listed, read and deleted', async () => {
    const file = await client.files.create({
      file: await toFile(Buffer.from('ab\n'), 'a.txt'),
      purpose: 'user_data',
    })
    expect(file).toMatchObject({ object: 'file', bytes: 3, filename: 'a.txt', purpose: 'user_data' })
    expect((await client.files.list()).data).toEqual([file])
    expect(await client.files.retrieve(file.id)).toEqual(file)
    expect(await (await client.files.content(file.id)).text()).toBe('ab\n')
    expect((await client.files.delete(file.id)).deleted).toBe(true)
    await expect(client.files.retrieve(file.id)).rejects.toMatchObject({ status: 404 })
  })

  test('a batch answers its lines when it is looked at', async () => {
    const lines = ['a', 'b']
      .map((custom_id) => JSON.stringify({ custom_id, method: 'POST', body: {} }))
      .join('\n')
    const file = await client.files.create({
      file: await toFile(Buffer.from(lines), 'in.jsonl'),
      purpose: 'batch',
    })
    const request = { completion_window: '24h', endpoint: '/v1/chat/completions' } as const
    const batch = await client.batches.create({ ...request, input_file_id: file.id })
    expect(batch.status).toBe('validating')
    const done = await client.batches.retrieve(batch.id)
    expect(done).toMatchObject({ status: 'completed', request_counts: { total: 2, completed: 2 } })
    const output = await (await client.files.content(done.output_file_id ?? '')).text()
    expect(
      output
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).custom_id),
    ).toEqual(['a', 'b'])
    expect((await client.batches.list()).data).toHaveLength(1)
    const other = await client.batches.create({ ...request, input_file_id: file.id })
    expect((await client.batches.cancel(other.id)).status).toBe('cancelling')
    await expect(client.batches.create({ ...request, input_file_id: 'file-x' })).rejects.toThrow(
      /Invalid file_id/,
    )
  })
})

describe('refusals and faults', () => {
  test.each([
    ['embeddings', { model }, "Missing required parameter: 'input'."],
    ['images/generations', { model }, "Missing required parameter: 'prompt'."],
    ['audio/speech', { model, input: 'x' }, "Missing required parameter: 'voice'."],
    ['embeddings', { input: 'x' }, 'you must provide a model parameter'],
  ])('%s without what it needs', async (path, body, message) => {
    const init = { method: 'POST', headers: { authorization: 'Bearer k' }, body: JSON.stringify(body) }
    const response = await fetch(`${upstream.url}/${path}`, init)
    expect([response.status, await response.json()]).toMatchObject([400, { error: { message } }])
    expect((await fetch(`${upstream.url}/${path}`, { ...init, headers: {} })).status).toBe(401)
  })

  test('are scripted by model or, for calls without one, by path', async () => {
    upstream.script(model, fakes.status(429), fakes.truncatedJson())
    await expect(client.embeddings.create({ model, input: 'x' })).rejects.toMatchObject({ status: 429 })
    await expect(client.embeddings.create({ model, input: 'x' })).rejects.toThrow()
    upstream.script('GET /v1/files', fakes.status(503))
    await expect(client.files.list()).rejects.toMatchObject({ status: 503 })
  })
})
