import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answer } from '../../fakes'
import type { ClientRow } from './client'
import { clients } from './clients'
import { type Bench, newModel, pairs, startBench, type UpstreamRow, upstreams } from './upstreams'

const ANSWER = 'The capital of France is Paris, and “Île” is 🏝️.'
const TOKENS = { prompt_tokens: 24, completion_tokens: 8 }
const question = { system: 'You are terse.', text: 'Name the capital of France.', maxTokens: 64 }

let bench: Bench

beforeAll(async () => {
  bench = await startBench()
  for (const { id, model } of upstreams) {
    const upstream_model = `${model}-text`
    bench.fake.script(upstream_model, answer({ content: ANSWER, tokens: TOKENS }))
    const row = {
      model_name: `text/${id}`,
      provider_id: id,
      upstream_model,
      input_cost: 2.5,
      output_cost: 10,
    }
    const { status, body } = await bench.gateway.manage('POST', '/api/models/', row)
    if (status !== 201) throw new Error(JSON.stringify(body))
  }
})
afterAll(() => bench.close())

describe('text in one piece and streamed', () => {
  const rows = pairs.flatMap((pair) => (['ask', 'stream'] as const).map((how) => ({ ...pair, how })))
  const named = rows.map((row) => [`${row.client.name} ${row.how}s ${row.upstream.id}`, row] as const)

  test.concurrent.for(named)('%s', async ([, { client, upstream, how }]) => {
    const session = bench.open(client)
    const said = await session[how]({ ...question, model: `text/${upstream.id}` })
    expect(said).toMatchObject({ text: ANSWER, finish: client.words.stop, input: 24, output: 8, calls: [] })
    const [headers] = session.replies
    expect(headers?.get('x-sluice-provider')).toBe(upstream.id)
    expect(headers?.get('x-sluice-dropped')).toBeNull()
    const log = await bench.gateway.logOf(headers?.get('x-respan-log-id') ?? '')
    expect(log).toMatchObject({
      ...{ ending: 'completed', status_code: 200, error_code: null, stream: how === 'stream' },
      ...{
        provider_id: upstream.id,
        model: `text/${upstream.id}`,
        deployment_name: `${upstream.model}-text`,
      },
      ...{
        protocol: client.protocol,
        finish_reason: loggedFinish(client, upstream),
        usage_source: 'provider',
      },
      ...{ prompt_tokens: 24, completion_tokens: 8 },
      ...{ price_status: 'custom_model', cost_nano_usd: 24 * 2_500 + 8 * 10_000 },
    })
  })

  test.for(upstreams)('the system prompt and the limit reach $id in its own words', async ({ model }) => {
    const sent = bench.fake.calls.filter((call) => call.model === `${model}-text`)
    expect(sent.length).toBeGreaterThanOrEqual(clients.length * 2)
    for (const call of sent) {
      expect(call.bodyBytes.toString()).toContain('You are terse.')
      expect(call.bodyBytes.toString()).toMatch(/"max\w*okens":64\b/i)
    }
  })
})

describe('the demo model', () => {
  test.concurrent.for(clients.map((client) => [client.name, client] as const))('%s', async ([, client]) => {
    const session = bench.open(client)
    const ask = { model: 'demo/echo', text: 'Hello, wörld 😀!' }
    const whole = await session.ask(ask)
    expect(whole).toMatchObject({ text: 'Hello, wörld 😀!', finish: client.words.stop })
    expect(await session.stream(ask)).toEqual(whole)
  })
})

describe('an answer that is cut short', () => {
  const named = pairs.map((pair) => [`${pair.client.name} at ${pair.upstream.id}`, pair] as const)

  test.concurrent.for(named)('%s', async ([, { client, upstream }]) => {
    const { scripted, model } = newModel(upstream, upstream.model)
    bench.fake.script(scripted, answer({ content: 'The capital of', finishReason: 'length' }))
    const session = bench.open(client)
    const cut = { text: 'The capital of', finish: client.words.length }
    expect(await session.ask({ ...question, model })).toMatchObject(cut)
    expect(await session.stream({ ...question, model })).toMatchObject(cut)
  })
})

/** Untouched answers are logged with the provider's own word, translated ones with the one of chat completions. */
function loggedFinish(client: ClientRow, upstream: UpstreamRow): string {
  const own = { anthropic: 'end_turn', gemini: 'STOP', 'openai-responses': 'completed' }
  const { protocol } = client
  return protocol === upstream.protocol && protocol in own ? own[protocol as keyof typeof own] : 'stop'
}
