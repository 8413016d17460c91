import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answer } from '../fakes'
import type { Ask, Mode } from './protocols/client'
import { clients } from './protocols/clients'
import { type Bench, newModel, startBench, upstreams } from './protocols/upstreams'

const NATIVE = ['openai', 'openai responses', '@anthropic-ai/sdk', '@google/genai']
const native = clients.filter(({ name }) => NATIVE.includes(name))
const MODES: readonly Mode[] = ['whole', 'streamed']

let bench: Bench

beforeAll(async () => {
  bench = await startBench()
})
afterAll(() => bench.close())

/** A client whose requests all have these gateway parameters, and what its answers say of the cache. */
function cachingClient(row: (typeof clients)[number], parameters: object) {
  const { url, key } = bench.gateway
  const replies: Headers[] = []
  const noted: typeof fetch = async (input, init) => {
    const headers = new Headers(input instanceof Request ? input.headers : init?.headers)
    if (init?.headers !== undefined)
      for (const [name, value] of new Headers(init.headers)) headers.set(name, value)
    headers.set('x-data-respan-params', JSON.stringify({ cache_enabled: true, ...parameters }))
    const response = await fetch(input, { ...init, headers })
    replies.push(response.headers)
    return response
  }
  const client = row.open({ url, key, fetch: noted })
  const say = (ask: Ask, mode: Mode) => (mode === 'whole' ? client.ask(ask) : client.stream(ask))
  return { say, replies, cache: () => replies.map((headers) => headers.get('x-sluice-cache')) }
}

const stories = upstreams.flatMap((upstream) =>
  MODES.flatMap((stored) =>
    native.map((by) => [`${upstream.id}, stored ${stored} by ${by.name}`, { upstream, stored, by }] as const),
  ),
)

describe('an answer is kept as it came, and told to everybody who asks the same', () => {
  test.concurrent.for(stories)('%s', async ([, { upstream, stored, by }]) => {
    const { scripted, model } = newModel(upstream, upstream.model)
    const text = `What is this? ${randomUUID()}`
    const content = ['It ', 'is ', 'a "square" ', '\\ ', 'ünd 🏔.']
    bench.fake.script(scripted, answer({ content, tokens: { prompt_tokens: 21, completion_tokens: 12 } }))
    const ask = { model, text, maxTokens: 400 }
    const said = { text: content.join(''), input: 21, output: 12 }
    const maker = cachingClient(by, {})
    expect(await maker.say(ask, stored)).toMatchObject({ ...said, finish: by.words.stop })
    expect(maker.cache()).toEqual(['miss'])
    await expect.poll(() => bench.fake.calls.filter((call) => call.model === scripted).length).toBe(1)
    for (const client of native)
      for (const mode of MODES) {
        const reader = cachingClient(client, {})
        const told = await reader.say(ask, mode)
        expect([client.name, mode, reader.cache(), told]).toMatchObject([
          ...[client.name, mode, ['hit']],
          { ...said, finish: client.words.stop },
        ])
      }
    expect(bench.fake.calls.filter((call) => call.model === scripted)).toHaveLength(1)
  })
})
