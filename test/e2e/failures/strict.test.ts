import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chat, contents, messages, responses, type Surface } from './surfaces'
import { type AskOptions, startWorld, told, UPSTREAMS, type Upstream, type World } from './world'

let world: World
/** A key whose requests are strict. */
let strictKey: string

beforeAll(async () => {
  world = await startWorld()
  const key = { name: 'strict', require_parameters: true }
  const { status, body } = await world.manage('POST', '/api/api-keys/', key)
  expect([status, body['require_parameters']]).toEqual([201, true])
  strictKey = String(body['api_key'])
})
afterAll(() => world.close())

/** What a target cannot be told, by the client's own name for it. */
const losses: [Surface, Upstream, object, string][] = [
  [chat, 'openai-responses', { seed: 7 }, 'seed'],
  [chat, 'anthropic', { seed: 7 }, 'seed'],
  [chat, 'gemini', { logit_bias: { 50: 5 } }, 'logit_bias'],
  [chat, 'bedrock-converse', { seed: 7 }, 'seed'],
  [responses, 'openai-chat', { truncation: 'auto' }, 'truncation'],
  [responses, 'anthropic', { truncation: 'auto' }, 'truncation'],
  [responses, 'gemini', { truncation: 'auto' }, 'truncation'],
  [responses, 'bedrock-converse', { truncation: 'auto' }, 'truncation'],
  [messages, 'openai-chat', { top_k: 5 }, 'top_k'],
  [messages, 'openai-responses', { top_k: 5 }, 'top_k'],
  [messages, 'gemini', { inference_geo: 'us' }, 'inference_geo'],
  [messages, 'bedrock-converse', { inference_geo: 'us' }, 'inference_geo'],
  [contents, 'openai-chat', { generationConfig: { topK: 3 } }, 'generationConfig.topK'],
  [contents, 'openai-responses', { generationConfig: { topK: 3 } }, 'generationConfig.topK'],
  [contents, 'anthropic', { generationConfig: { seed: 3 } }, 'generationConfig.seed'],
  [contents, 'bedrock-converse', { generationConfig: { seed: 3 } }, 'generationConfig.seed'],
]
const named = losses.map(([surface, upstream, more, name]): [string, Surface, Upstream, object, string] => [
  `${surface.name} at ${upstream}`,
  surface,
  upstream,
  more,
  name,
])

const asked = { require_parameters: true }
/** All ways to say that nothing may be dropped. */
const ways: [string, () => AskOptions][] = [
  ['in the body', () => ({ more: asked })],
  ['in a container', () => ({ more: { respan_params: asked } })],
  ['in a header', () => ({ headers: { 'x-respan-params': btoa(JSON.stringify(asked)) } })],
  ['by the key', () => ({ headers: { authorization: `Bearer ${strictKey}` } })],
]

/** In one piece and as a stream. */
async function bothWays(check: (stream: boolean) => Promise<void>): Promise<void> {
  await Promise.all([check(false), check(true)])
}

function callsOf(model: string) {
  const { fake, name } = world.behind(model)
  return fake.calls.filter((call) => call.model === name)
}

describe.concurrent.for(named)('%s', ([, surface, upstream, more, name]) => {
  test.for(ways)('a loss is a 400 where none is allowed, said %s', async ([, way]) => {
    await bothWays(async (stream) => {
      const model = world.model(upstream)
      const how = way()
      const response = await world.ask(surface, model, { ...how, stream, more: { ...more, ...how.more } })
      const { status, text, log } = await told(world, response)
      expect([status, text]).toEqual([400, expect.any(String)])
      const { message } = surface.error(JSON.parse(text), 400)
      expect(message).toContain(name)
      expect(message).toContain('require_parameters')
      expect(log).toMatchObject({ ending: 'failed', status_code: 400, error_code: 'untranslatable' })
      expect(log.attempts).toMatchObject([{ status_code: 400, error_code: 'untranslatable' }])
      expect(callsOf(model)).toEqual([])
    })
  })

  test('a loss is told in the header and in the log otherwise', async () => {
    await bothWays(async (stream) => {
      const model = world.model(upstream)
      const { status, text, headers, log } = await told(
        world,
        await world.ask(surface, model, { more, stream }),
      )
      expect([status, text]).toEqual([200, expect.any(String)])
      expect(headers.get('x-sluice-dropped')?.split(', ')).toContain(name)
      expect(log['ignored_parameters']).toContain(name)
      expect(callsOf(model)).toHaveLength(1)
    })
  })

  test('a request may allow what its key does not', async () => {
    const headers = { authorization: `Bearer ${strictKey}` }
    const allowed = { ...more, require_parameters: false }
    expect((await world.ask(surface, world.model(upstream), { more: allowed, headers })).status).toBe(200)
  })

  test('nothing is refused where nothing is lost', async () => {
    const { status, headers } = await world.ask(surface, world.model(upstream), { more: asked })
    expect([status, headers.get('x-sluice-dropped')]).toEqual([200, null])
  })

  test('a strict request goes on to a target that can be told all of it', async () => {
    const [first, second] = [world.model(upstream), world.model(surface.protocol)]
    const strict = { ...more, ...asked, fallback_models: [second] }
    await bothWays(async (stream) => {
      const response = await world.ask(surface, first, { more: strict, stream })
      const { status, text, log } = await told(world, response)
      expect([status, text]).toEqual([200, expect.any(String)])
      expect(log.attempts).toMatchObject([{ error_code: 'untranslatable' }, { status_code: 200 }])
      expect(log).toMatchObject({ model: second, ignored_parameters: [] })
    })
  })
})

const user = (content: unknown[]) => ({ role: 'user', content })
const call = (text: string) => ({
  id: 'call_1',
  type: 'function',
  function: { name: 'weather', arguments: text },
})

/** What has no words elsewhere: the answer would be one to another question. */
const unsayable: [string, Surface, readonly Upstream[], object, string][] = [
  [
    'audio',
    chat,
    ['anthropic', 'bedrock-converse'],
    {
      messages: [user([{ type: 'input_audio', input_audio: { data: 'UklGRg==', format: 'wav' } }])],
    },
    'messages[0].content[0]',
  ],
  [
    'a file kept elsewhere',
    chat,
    ['anthropic', 'gemini', 'bedrock-converse'],
    { messages: [user([{ type: 'file', file: { file_id: 'file-abc' } }])] },
    'messages[0].content[0]',
  ],
  [
    'broken arguments of a call',
    chat,
    ['anthropic', 'gemini', 'bedrock-converse'],
    {
      messages: [
        { role: 'user', content: 'Weather?' },
        { role: 'assistant', content: null, tool_calls: [call('{"city": ')] },
        { role: 'tool', tool_call_id: 'call_1', content: 'sunny' },
      ],
    },
    'messages[1].tool_calls[0].function.arguments',
  ],
  [
    'a tool that the provider runs',
    responses,
    ['openai-chat', 'anthropic', 'gemini', 'bedrock-converse'],
    { tools: [{ type: 'file_search', vector_store_ids: ['vs_1'] }] },
    'tools[0]',
  ],
  [
    'a response kept elsewhere',
    responses,
    ['openai-chat', 'anthropic', 'gemini', 'bedrock-converse'],
    { previous_response_id: 'resp_abc' },
    'previous_response_id',
  ],
  [
    'an item kept elsewhere',
    responses,
    ['openai-chat', 'anthropic', 'gemini', 'bedrock-converse'],
    { input: [{ type: 'item_reference', id: 'msg_1' }] },
    'input[0]',
  ],
  [
    'a file kept elsewhere',
    messages,
    ['openai-chat', 'openai-responses', 'gemini', 'bedrock-converse'],
    { messages: [user([{ type: 'document', source: { type: 'file', file_id: 'file_011' } }])] },
    'messages[0].content[0]',
  ],
  [
    'a tool that the provider runs',
    messages,
    ['openai-chat', 'openai-responses', 'gemini', 'bedrock-converse'],
    { tools: [{ type: 'code_execution_20250825', name: 'code_execution' }] },
    'tools[0]',
  ],
  [
    'a file kept elsewhere',
    contents,
    ['openai-chat', 'openai-responses', 'anthropic', 'bedrock-converse'],
    {
      contents: [
        {
          role: 'user',
          parts: [
            {
              fileData: {
                mimeType: 'application/pdf',
                fileUri: 'https://generativelanguage.googleapis.com/v1beta/files/abc',
              },
            },
          ],
        },
      ],
    },
    'contents[0].parts[0]',
  ],
  [
    'a tool that the provider runs',
    contents,
    ['openai-chat', 'openai-responses', 'anthropic', 'bedrock-converse'],
    { tools: [{ codeExecution: {} }] },
    'tools[0]',
  ],
]

const each = unsayable.flatMap(([what, surface, upstreams, more, place]) =>
  upstreams.map((upstream): [string, Surface, Upstream, object, string] => [
    `${what}, from ${surface.name} to ${upstream},`,
    surface,
    upstream,
    more,
    place,
  ]),
)

describe.concurrent('what cannot be said:', () => {
  test.for(each)('%s is a 400 that names the place', async ([, surface, upstream, more, place]) => {
    await bothWays(async (stream) => {
      const model = world.model(upstream)
      const { status, text, log } = await told(world, await world.ask(surface, model, { more, stream }))
      expect([status, text]).toEqual([400, expect.any(String)])
      surface.error(JSON.parse(text), 400)
      expect(text).toContain(place)
      expect(log).toMatchObject({ ending: 'failed', status_code: 400, usage: null })
      expect(callsOf(model)).toEqual([])
    })
  })

  // Broken JSON is the request's own fault, which no target could mend.
  const mendable = each.filter(([what]) => !what.startsWith('broken'))

  test.for(mendable)(
    '%s is answered by a target that has words for it',
    async ([, surface, upstream, more]) => {
      const second = world.model(surface.protocol)
      const fallback = { ...more, fallback_models: [second] }
      const { status, text, log } = await told(
        world,
        await world.ask(surface, world.model(upstream), { more: fallback }),
      )
      // The provider may know nothing of the file or the response; it was asked, and that is what matters here.
      expect(
        log.attempts.map(({ deployment_name }) => deployment_name),
        `${status} ${text}`,
      ).toContain(world.behind(second).name)
    },
  )
})

describe.concurrent.for([chat, responses, messages, contents].map((one) => [one.name, one] as const))(
  '%s: extra headers',
  ([, surface]) => {
    test('go to the upstream, whatever it speaks', async () => {
      for (const upstream of UPSTREAMS) {
        const model = world.model(upstream)
        const more = { extra_headers: { 'X-Tracing': 'one two', 'x-team': 'blue' } }
        expect((await world.ask(surface, model, { more })).status).toBe(200)
        const { headers, bodyBytes } = await world.callOf(model)
        expect(headers).toMatchObject({ 'x-tracing': 'one two', 'x-team': 'blue' })
        expect(bodyBytes.toString()).not.toContain('extra_headers')
      }
    })

    test.for([
      ...['Authorization', 'x-api-key', 'x-goog-api-key', 'api-key', 'host', 'content-length'],
      ...['content-type', 'cookie', 'x-amz-security-token', 'cf-connecting-ip', 'transfer-encoding'],
    ])('that would be %s are refused', async (name) => {
      const model = world.model(surface.protocol)
      const more = { extra_headers: { [name]: 'x' } }
      const { status, text, log } = await told(world, await world.ask(surface, model, { more }))
      expect([status, text]).toEqual([400, expect.any(String)])
      const { message } = surface.error(JSON.parse(text), 400)
      expect(message).toContain(name)
      expect(message).toContain('extra_headers')
      expect(log).toMatchObject({ ending: 'failed', error_code: 'invalid_parameter', attempts: [] })
      expect(callsOf(model)).toEqual([])
    })
  },
)
