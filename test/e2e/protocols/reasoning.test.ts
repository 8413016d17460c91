import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answer, proofOf } from '../../fakes'
import type { ClientRow } from './client'
import { answered, type Bench, byResults, newModel, pairs, startBench, type UpstreamRow } from './upstreams'
import { weatherTool } from './weather'

const THOUGHT = 'Paris first: “Île” is there. Then Rome.'
const SECOND = 'Rome is left.'
const question = { text: 'What is the weather?', reasons: true }
const named = pairs.map((pair) => [`${pair.client.name} at ${pair.upstream.id}`, pair] as const)

let bench: Bench

beforeAll(async () => {
  bench = await startBench()
})
afterAll(() => bench.close())

describe('what the model thinks is where the SDK looks for it', () => {
  test.concurrent.for(named)('%s', async ([, { client, upstream }]) => {
    const { scripted, model } = newModel(upstream, upstream.thinker)
    bench.fake.script(scripted, answer({ reasoning: THOUGHT, content: 'Mild.' }))
    const session = bench.open(client)
    const said = {
      reasoning: client.isBlind === true ? '' : THOUGHT,
      text: 'Mild.',
      finish: client.words.stop,
    }
    expect(await session.ask({ ...question, model })).toMatchObject(said)
    expect(await session.stream({ ...question, model })).toMatchObject(said)
    expect(session.replies.map((headers) => headers.get('x-sluice-dropped'))).toEqual([null, null])
  })
})

describe.for([
  ['told', false],
  ['kept back', true],
] as const)('of thoughts that are %s the provider gets its proofs again, byte for byte', ([, isRedacted]) => {
  const rows = (['whole', 'streamed'] as const).flatMap((mode) =>
    named
      .filter(([, { upstream }]) => !isRedacted || upstream.signs !== undefined)
      .map(([name, pair]) => [`${name}, ${mode}`, { ...pair, mode }] as const),
  )

  test.concurrent.for(rows)('%s', async ([, { client, upstream, mode }]) => {
    const { scripted, model } = newModel(upstream, upstream.thinker)
    const { tool, inputs } = weatherTool()
    const call = (city: string) => ({ isRedacted, toolCalls: [{ name: tool.name, arguments: { city } }] })
    const steps = [
      answer({ reasoning: THOUGHT, ...call('Paris') }),
      answer({ reasoning: SECOND, ...call('Rome') }),
      answer({ content: 'All mild.' }),
    ]
    bench.fake.script(scripted, byResults(/18 degrees/g, new Map(steps.entries())))
    const said = await bench.open(client).loop({ ...question, model, tools: [tool] }, mode)
    expect(said).toMatchObject({ finish: client.words.stop })
    expect(said.text).toMatch(/All mild\.$/)
    expect(inputs).toEqual([{ city: 'Paris' }, { city: 'Rome' }])
    const proofs = answered(bench, scripted).map((one) => one.proofs.filter((proof) => proof !== NO_PROOF))
    expect(proofs).toEqual(proofsOf({ client, upstream, isRedacted }))
  })
})

/** What goes to Google with a call whose signature the client did not send back. */
const NO_PROOF = 'skip_thought_signature_validator'

/** With each of the three requests, all proofs of the answers so far, when the client sends them back. */
function proofsOf({ client, upstream, isRedacted }: Case): string[][] {
  const { signs } = upstream
  if (signs === undefined || client.returns?.includes(signs) === false) return [[], [], []]
  const family = isRedacted && signs === 'anthropic' ? 'redacted' : signs
  const proofs = [THOUGHT, SECOND].map((text) =>
    proofOf(family, family === 'gemini' ? `${text}get_weather` : text),
  )
  return [[], proofs.slice(0, 1), proofs]
}

interface Case {
  client: ClientRow
  upstream: UpstreamRow
  isRedacted: boolean
}
