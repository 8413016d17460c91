import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import type { WireProtocolId } from '../../../src/protocols/protocol'
import { answer, type RecordedCall } from '../../fakes'
import { PNG } from './client'
import { type Bench, newModel, pairs, startBench, type UpstreamRow, upstreams } from './upstreams'
import { vercelOpenai } from './vercel'
import { weatherTool } from './weather'

const URL_OF_PICTURE = 'https://example.com/red.png'
const PDF = Buffer.from('%PDF-1.4\n%%EOF').toString('base64')
const question = { text: 'What do you see?' }
const named = pairs.map((pair) => [`${pair.client.name} at ${pair.upstream.id}`, pair] as const)

let bench: Bench

beforeAll(async () => {
  bench = await startBench()
})
afterAll(() => bench.close())

/** A model that says so, and what it was asked once it has answered. */
function modelThatSays(upstream: UpstreamRow, content: string, base = upstream.model) {
  const { scripted, model } = newModel(upstream, base)
  bench.fake.script(scripted, answer({ content }))
  const asked = (): RecordedCall | undefined => bench.fake.calls.find((call) => call.model === scripted)
  return { model, asked }
}

describe('pictures and documents', () => {
  test.concurrent.for(named)('a picture in base64: %s', async ([, { client, upstream }]) => {
    const { model, asked } = modelThatSays(upstream, 'A red square.')
    const session = bench.open(client)
    const said = await session.ask({ ...question, model, pictures: [{ base64: PNG }] })
    expect(said.text).toBe('A red square.')
    expect(partsOf(asked())).toContainEqual(picture[upstream.protocol](`data:image/png;base64,${PNG}`))
    expect(partsOf(asked())).toContainEqual(expect.objectContaining({ text: question.text }))
    expect(session.replies[0]?.get('x-sluice-dropped')).toBeNull()
  })

  test.concurrent.for(named)('a picture by URL: %s', async ([, { client, upstream }]) => {
    const { model, asked } = modelThatSays(upstream, 'A red square.')
    const isBytes = client.downloads === true && upstream.protocol !== 'gemini'
    const url = isBytes ? `data:image/png;base64,${PNG}` : URL_OF_PICTURE
    const answered = bench.open(client).ask({ ...question, model, pictures: [{ url: URL_OF_PICTURE }] })
    if (upstream.protocol === 'bedrock-converse' && !isBytes) {
      // Converse takes bytes, and the gateway gets nothing from the web for anybody.
      await expect(answered).rejects.toThrow(/base64/)
      expect(asked()).toBeUndefined()
      return
    }
    expect((await answered).text).toBe('A red square.')
    expect(partsOf(asked())).toContainEqual(picture[upstream.protocol](url))
  })

  test.concurrent.for(named)('a PDF: %s', async ([, { client, upstream }]) => {
    const { model, asked } = modelThatSays(upstream, 'An empty report.')
    const said = await bench.open(client).ask({ ...question, model, pdf: PDF })
    expect(said.text).toBe('An empty report.')
    expect(partsOf(asked())).toContainEqual(document[upstream.protocol])
  })
})

/** The parts of the only message. */
function partsOf(call: RecordedCall | undefined): unknown[] {
  const { messages, input, contents } = Object(call?.json())
  const [message] = messages ?? input ?? contents
  return message.content ?? message.parts
}

const base64Of = (url: string) => url.replace(/^data:.*,/, '')
const isData = (url: string) => url.startsWith('data:')

/** A picture in each provider's words. */
const picture: Record<WireProtocolId, (url: string) => unknown> = {
  'openai-chat': (url) => ({ type: 'image_url', image_url: expect.objectContaining({ url }) }),
  'openai-responses': (url) => expect.objectContaining({ type: 'input_image', image_url: url }),
  anthropic: (url) => ({
    type: 'image',
    source: isData(url)
      ? { type: 'base64', media_type: 'image/png', data: base64Of(url) }
      : { type: 'url', url },
  }),
  gemini: (url) =>
    isData(url)
      ? { inlineData: { mimeType: 'image/png', data: base64Of(url) } }
      : { fileData: { mimeType: 'image/png', fileUri: url } },
  'bedrock-converse': (url) => ({ image: { format: 'png', source: { bytes: base64Of(url) } } }),
}

/** The document in each provider's words. */
const document: Record<WireProtocolId, unknown> = {
  'openai-chat': {
    type: 'file',
    file: expect.objectContaining({ file_data: `data:application/pdf;base64,${PDF}` }),
  },
  'openai-responses': expect.objectContaining({
    ...{ type: 'input_file', file_data: `data:application/pdf;base64,${PDF}` },
  }),
  anthropic: expect.objectContaining({
    ...{ type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: PDF } },
  }),
  gemini: { inlineData: expect.objectContaining({ mimeType: 'application/pdf', data: PDF }) },
  'bedrock-converse': {
    document: expect.objectContaining({ format: 'pdf', source: { bytes: PDF } }),
  },
}

describe('structured answers, read by the SDKs', () => {
  const schema = z.object({ name: z.string(), age: z.number() })
  const ada = { name: 'Ada', age: 36 }

  test.concurrent.for(named)('by JSON Schema: %s', async ([, { client, upstream }]) => {
    const { model, asked } = modelThatSays(upstream, JSON.stringify(ada))
    const said = await bench.open(client).ask({ text: 'Who?', model, schema })
    expect(said).toMatchObject({ parsed: ada, finish: client.words.stop })
    const { [upstream.protocol]: schemaOf } = schemas
    expect(schemaOf(asked()?.json())).toMatchObject({
      ...{ type: 'object', required: ['name', 'age'] },
      properties: { name: { type: 'string' }, age: { type: 'number' } },
    })
  })

  const older = { anthropic: 'claude-3-7-sonnet', 'bedrock-converse': 'amazon.nova-pro-v1' } as const
  const standIns = named.flatMap(([name, { client, upstream }]) => {
    const model = upstream.protocol in older ? older[upstream.protocol as keyof typeof older] : undefined
    return model === undefined || client.protocol === upstream.protocol
      ? []
      : [[name, { client, upstream, model }] as const]
  })

  test.concurrent.for(standIns)(
    'by a tool that stands in: %s',
    async ([, { client, upstream, model: base }]) => {
      const { scripted, model } = newModel(upstream, base)
      const toolCalls = [{ name: 'structured_output', arguments: ada }]
      bench.fake.script(scripted, answer({ toolCalls }))
      const said = await bench.open(client).ask({ text: 'Who?', model, schema })
      expect(said).toMatchObject({ parsed: ada, calls: [], finish: client.words.stop })
    },
  )
})

/** Where each provider takes a schema. */
const schemas: Record<WireProtocolId, (body: unknown) => unknown> = {
  'openai-chat': (body) => Object(body).response_format.json_schema.schema,
  'openai-responses': (body) => Object(body).text.format.schema,
  anthropic: (body) => Object(body).output_config.format.schema,
  gemini: (body) => Object(body).generationConfig.responseJsonSchema,
  'bedrock-converse': (body) => JSON.parse(Object(body).outputConfig.textFormat.structure.jsonSchema.schema),
}

describe('stop sequences', () => {
  // Responses has none.
  const rows = named.filter(([, { client }]) => client.protocol !== 'openai-responses')
  const stops: Record<WireProtocolId, object> = {
    'openai-chat': { stop: ['END'] },
    'openai-responses': {},
    anthropic: { stop_sequences: ['END'] },
    gemini: { generationConfig: { stopSequences: ['END'] } },
    'bedrock-converse': { inferenceConfig: { stopSequences: ['END'] } },
  }

  test.concurrent.for(rows)('%s', async ([, { client, upstream }]) => {
    const { scripted, model } = newModel(upstream, upstream.model)
    const isTold = upstream.protocol === 'anthropic' || upstream.protocol === 'gemini'
    bench.fake.script(
      scripted,
      answer({ content: 'Before', ...(isTold && { finishReason: 'stop_sequence' }) }),
    )
    const session = bench.open(client)
    const said = await session.ask({ ...question, model, stop: ['END'] })
    expect(said.text).toBe('Before')
    if (client.name !== '@anthropic-ai/sdk') expect(said.finish).toBe(client.words.stop)
    const sent = bench.fake.calls.find((call) => call.model === scripted)?.json()
    expect(sent).toMatchObject(stops[upstream.protocol])
    const lost = upstream.protocol === 'openai-responses' ? expect.stringMatching(/stop/i) : null
    expect(session.replies[0]?.get('x-sluice-dropped') ?? null).toEqual(lost)
  })
})

describe('what only some protocols have', () => {
  const chat = () => bench.gateway.client()
  const system = {
    role: 'system' as const,
    content: [{ type: 'text' as const, text: 'A long text.', cache_control: { type: 'ephemeral' } }],
  }
  const asked = (scripted: string) => bench.fake.calls.find((call) => call.model === scripted)?.json()

  test.for([
    [
      'up-anthropic',
      { system: [{ type: 'text', text: 'A long text.', cache_control: { type: 'ephemeral' } }] },
    ],
    ['bedrock', { system: [{ text: 'A long text.' }, { cachePoint: { type: 'default' } }] }],
  ] as const)(
    'a cache marker of a chat client reaches %s, and the cached tokens come back',
    async ([id, body]) => {
      const upstream = upstreamOf(id)
      const { scripted, model } = newModel(upstream, upstream.model)
      const prompt_tokens_details = { cached_tokens: 1000, cache_write_tokens: 500 }
      bench.fake.script(
        scripted,
        answer({
          content: 'Yes.',
          tokens: { prompt_tokens: 1520, completion_tokens: 10, prompt_tokens_details },
        }),
      )
      const messages = [system, { role: 'user' as const, content: 'Is it long?' }]
      const { data, response } = await chat().chat.completions.create({ model, messages }).withResponse()
      expect(asked(scripted)).toMatchObject(body)
      expect(response.headers.get('x-sluice-dropped')).toBeNull()
      expect(data.usage).toMatchObject({
        ...{ prompt_tokens: 1520, completion_tokens: 10, total_tokens: 1530 },
        prompt_tokens_details: { cached_tokens: 1000 },
      })
      const log = await bench.gateway.logOf(response.headers.get('x-respan-log-id') ?? '')
      expect(log.usage).toMatchObject({
        ...{ input_tokens: 20, cache_read_tokens: 1000, cache_write_5m_tokens: 500, output_tokens: 10 },
      })
    },
  )

  test.for(upstreams)('several answers from $id', async (upstream) => {
    const { scripted, model } = newModel(upstream, upstream.model)
    bench.fake.script(scripted, answer({ content: 'One' }))
    const messages = [{ role: 'user' as const, content: 'Two?' }]
    const { data, response } = await chat().chat.completions.create({ model, messages, n: 2 }).withResponse()
    const isMany = upstream.protocol === 'openai-chat' || upstream.protocol === 'gemini'
    expect(data.choices.map(({ message }) => message.content)).toEqual(isMany ? ['One', 'One #2'] : ['One'])
    expect(response.headers.get('x-sluice-dropped')).toBe(isMany ? null : 'n')
  })

  test('an item that another provider is taken to have stored is refused with the way out', async () => {
    const upstream = upstreamOf('up-anthropic')
    const { scripted, model } = newModel(upstream, upstream.model)
    const { tool } = weatherTool()
    const toolCalls = [{ name: tool.name, arguments: { city: 'Rome' } }]
    bench.fake.script(scripted, answer({ content: 'Let me see.', toolCalls }))
    const { url, key } = bench.gateway
    const byDefault = vercelOpenai({ url, key, fetch }, true)
    await expect(byDefault.loop({ ...question, model, tools: [tool] }, 'whole')).rejects.toThrow(
      /set 'store' to false/,
    )
  })
})

function upstreamOf(id: string): UpstreamRow {
  const found = upstreams.find((row) => row.id === id)
  if (found === undefined) throw new Error(`There is no ${id}.`)
  return found
}
