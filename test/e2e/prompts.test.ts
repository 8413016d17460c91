import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import * as fakes from '../fakes'
import { ADMIN_KEY, type Gateway, startGateway, user } from './gateway'

const run = promisify(execFile)

let gateway: Gateway
let provider: fakes.FakeUpstream
/** The prompt of the quickstart, deployed. */
let quickstart: string

const QUICKSTART = [
  { role: 'system', content: 'You are a helpful assistant that speaks {{language}}.' },
  { role: 'user', content: '{{user_message}}' },
]
const SPANISH = { language: 'Spanish', user_message: 'What is machine learning?' }
const RENDERED = [
  { role: 'system', content: 'You are a helpful assistant that speaks Spanish.' },
  { role: 'user', content: 'What is machine learning?' },
]

beforeAll(async () => {
  provider = await fakes.startFakeUpstream()
  gateway = await startGateway({
    ...{ OPENAI_API_KEY: 'sk-openai', OPENAI_BASE_URL: `${provider.origin}/v1` },
    ...{ ANTHROPIC_API_KEY: 'sk-ant', ANTHROPIC_BASE_URL: provider.origin },
    ...{ GEMINI_API_KEY: 'sk-gem', GEMINI_BASE_URL: provider.origin },
  })
  quickstart = await promptWith('Quickstart', { messages: QUICKSTART, model: 'fake/of-the-prompt' })
})

afterAll(async () => {
  await gateway.close()
  await provider.close()
})

beforeEach(() => {
  gateway.upstream.reset()
  provider.reset()
})

async function manage(method: string, path: string, body?: object, status = 200) {
  const answer = await gateway.manage(method, path, body)
  expect([path, answer.status, answer.status === status ? '' : answer.body]).toEqual([path, status, ''])
  return answer.body
}

/** The id of a new prompt whose first version is live. */
async function promptWith(name: string, version: object): Promise<string> {
  const { prompt_id: id } = await manage('POST', '/api/prompts/', { name }, 201)
  await manage('POST', `/api/prompts/${id}/versions/`, { ...version, deploy: true }, 201)
  return String(id)
}

const sent = (at = -1) => parsed(gateway.upstream.calls.at(at))
const told = () => parsed(provider.calls.at(-1))
const parsed = (call: fakes.RecordedCall | undefined) => JSON.parse(call?.bodyBytes.toString() ?? '{}')
const error = (text: string) => JSON.parse(text).error

describe('the quickstart', () => {
  test('with curl, literally', async () => {
    const { stdout } = await run('curl', [
      ...['-s', '-D', '-', '-X', 'POST', `${gateway.url}/api/chat/completions`],
      ...['-H', 'Content-Type: application/json', '-H', `Authorization: Bearer ${gateway.key}`, '-d'],
      JSON.stringify({ model: 'fake/gpt-5.5', prompt_id: quickstart, variables: SPANISH }),
    ])
    expect(stdout).toMatch(/^HTTP\/1\.1 200/)
    expect(stdout).toContain(`x-sluice-prompt: ${quickstart}@1`)
    const body = JSON.parse(stdout.slice(stdout.indexOf('\r\n\r\n') + 4))
    expect(body).toMatchObject({ object: 'chat.completion', prompt_message: RENDERED })
    expect(sent()).toEqual({ model: 'gpt-5.5', messages: RENDERED })
  })

  test('with the OpenAI SDK, in one piece and as a stream', async () => {
    const client = gateway.client()
    const asked = { prompt_id: quickstart, variables: SPANISH }
    const whole = await client.chat.completions.create({ model: 'fake/m', messages: [], ...asked })
    expect(whole.choices[0]?.message.content).toBeTruthy()
    const stream = await client.chat.completions.create({ ...asked, model: '', messages: [], stream: true })
    let text = ''
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
    expect(text).not.toBe('')
    expect(sent(0)).toMatchObject({ model: 'm', messages: RENDERED })
    expect(sent(1)).toMatchObject({ model: 'of-the-prompt', messages: RENDERED, stream: true })
  })

  test('leaves the prompt in the log, and the messages in its body', async () => {
    const { logId } = await gateway.chat({ prompt_id: quickstart, prompt_variables: SPANISH })
    const log = await gateway.logOf(logId)
    expect(log).toMatchObject({
      prompt_id: quickstart,
      prompt_name: 'Quickstart',
      prompt_version_number: 1,
      variables: SPANISH,
      full_request: { messages: RENDERED, model: 'fake/of-the-prompt' },
    })
    const hidden = await gateway.chat({ prompt_id: quickstart, variables: SPANISH, disable_log: true })
    expect(await gateway.logOf(hidden.logId)).toMatchObject({ prompt_id: quickstart, variables: null })
  })

  test.each<[string, object, Record<string, string>]>([
    ['prompt_id and prompt_variables', { prompt_id: 'ID', prompt_variables: SPANISH }, {}],
    ['the object', { prompt: { prompt_id: 'ID', variables: SPANISH } }, {}],
    ['a slug', { prompt_id: 'quickstart', variables: SPANISH }, {}],
    ['a name', { prompt_id: 'Quickstart', variables: SPANISH }, {}],
    ['a container', { respan_params: { prompt: { prompt_id: 'ID', variables: SPANISH } } }, {}],
    ['LLMGateway', { prompt: { id: 'quickstart', variables: SPANISH } }, {}],
    ['a model', { model: '@prompt/quickstart', variables: SPANISH }, {}],
    ['a model with a version', { model: '@prompt/quickstart@1', variables: SPANISH }, {}],
    ['a version', { prompt: { prompt_id: 'ID', version: 1, variables: SPANISH } }, {}],
    [
      'a header',
      {},
      { 'x-data-respan-params': btoa(JSON.stringify({ prompt_id: 'quickstart', variables: SPANISH })) },
    ],
    ['messages that are empty', { messages: [], model: null, prompt_id: 'ID', variables: SPANISH }, {}],
  ])('called by %s', async (_name, body, headers) => {
    const text = JSON.stringify(body).replace('"ID"', JSON.stringify(quickstart))
    const reply = await gateway.chat(text, { headers })
    expect([reply.status, reply.text.slice(0, 300)]).toEqual([200, expect.anything()])
    expect(sent()).toMatchObject({ model: 'of-the-prompt', messages: RENDERED })
    expect(Object.keys(sent()).sort()).toEqual(['messages', 'model'])
  })

  test('does not tell the messages when it is asked not to', async () => {
    const { text } = await gateway.chat({
      prompt: { prompt_id: quickstart, variables: SPANISH, echo: false },
    })
    expect(JSON.parse(text)).not.toHaveProperty('prompt_message')
  })
})

describe('refusals', () => {
  test.each<[string, object, number, object]>([
    [
      'a missing variable',
      { prompt_id: 'ID', variables: { language: 'x' } },
      400,
      { code: 'missing_prompt_variable', param: 'variables.user_message' },
    ],
    ['an unknown prompt', { prompt_id: 'nope' }, 404, { code: 'prompt_not_found', param: 'prompt_id' }],
    [
      'an unknown version',
      { prompt: { prompt_id: 'ID', version: 9 } },
      404,
      { code: 'prompt_version_not_found' },
    ],
    ['an unknown label', { model: '@prompt/quickstart@canary' }, 404, { code: 'prompt_version_not_found' }],
    [
      'a label and a version',
      { prompt: { id: 'quickstart', version: 1, label: 'x' } },
      400,
      { code: 'invalid_prompt' },
    ],
    [
      'two prompts',
      { model: '@prompt/quickstart', prompt_id: 'ID' },
      400,
      { code: 'invalid_prompt', param: 'model' },
    ],
    ['no name', { model: '@prompt/' }, 400, { code: 'invalid_prompt' }],
    [
      'messages in a patch',
      { prompt: { prompt_id: 'ID', schema_version: 2, patch: { messages: [] } } },
      400,
      { param: 'prompt.patch' },
    ],
    [
      'a wrong schema version',
      { prompt: { prompt_id: 'ID', schema_version: 3 } },
      400,
      { param: 'prompt.schema_version' },
    ],
    [
      'a variable of an unknown type',
      { prompt_id: 'ID', variables: { ...SPANISH, language: { _type: 'x' } } },
      400,
      { param: 'variables.language' },
    ],
  ])('%s', async (_name, body, status, expected) => {
    const reply = await gateway.chat(JSON.stringify(body).replace('"ID"', JSON.stringify(quickstart)))
    expect([reply.status, error(reply.text)]).toEqual([status, expect.objectContaining(expected)])
    expect(gateway.upstream.calls).toEqual([])
    expect(await gateway.logOf(reply.logId)).toMatchObject({ ending: 'failed', status_code: status })
  })
})

test('a version that cannot be filled in is in the log, where its failures are counted', async () => {
  const { logId, status } = await gateway.chat({ prompt_id: quickstart, variables: { language: 'x' } })
  expect([status, await gateway.logOf(logId)]).toMatchObject([
    400,
    { ending: 'failed', prompt_id: quickstart, prompt_version_number: 1, variables: { language: 'x' } },
  ])
})

describe('what wins', () => {
  let id: string
  const own = {
    temperature: 0.2,
    max_tokens: 50,
    seed: 7,
    tools: [{ type: 'function', function: { name: 'f' } }],
  }
  beforeAll(async () => {
    id = await promptWith('Wins', {
      messages: [{ role: 'system', content: 'S {{x}}' }],
      model: 'fake/prompt-model',
      fallback_models: ['fake/prompt-fallback'],
      ...own,
    })
  })
  const system = { role: 'system', content: 'S 1' }
  const [mine] = user('mine')
  const [more] = user('more')
  const request = {
    model: 'fake/request-model',
    messages: [mine],
    temperature: 0.9,
    max_completion_tokens: 9,
  }

  test.each<[string, object, object, object, string[]]>([
    [
      'v1: the request, by default',
      {},
      request,
      { model: 'request-model', messages: [mine], temperature: 0.9, max_completion_tokens: 9, seed: 7 },
      ['max_tokens'],
    ],
    [
      'v1: the prompt fills in what is absent',
      {},
      {},
      { model: 'prompt-model', messages: [system], ...own },
      [],
    ],
    [
      'v1: the prompt, with override',
      { override: true },
      request,
      { model: 'prompt-model', messages: [system], ...own },
      ['max_completion_tokens'],
    ],
    [
      'v1: override_params on top of the request',
      { override_params: { temperature: 1.5, model: 'fake/forced' } },
      request,
      { model: 'forced', messages: [mine], temperature: 1.5, seed: 7 },
      [],
    ],
    [
      'v1: override_params on top of the prompt',
      { override: true, override_params: { temperature: 1.5, max_completion_tokens: 3 } },
      request,
      { model: 'prompt-model', messages: [system], temperature: 1.5, max_completion_tokens: 3 },
      ['max_tokens'],
    ],
    [
      'v1: override false takes no override_params',
      { override: false, override_params: { temperature: 1.5 } },
      request,
      { temperature: 0.9 },
      [],
    ],
    [
      'v1: messages in place of the others',
      { override_params: { messages: [more] } },
      request,
      { messages: [more] },
      [],
    ],
    [
      'v1: messages behind those of the prompt',
      {
        override: true,
        override_params: { messages: [more] },
        override_config: { messages_override_mode: 'append' },
      },
      request,
      { messages: [system, more] },
      [],
    ],
    [
      'v1: messages behind those of the request',
      { override_params: { messages: [more] }, override_config: { messages_override_mode: 'append' } },
      request,
      { messages: [mine, more] },
      [],
    ],
    [
      'v2: the prompt, and its messages first',
      { schema_version: 2 },
      request,
      { model: 'prompt-model', messages: [system, mine], ...own },
      ['max_completion_tokens'],
    ],
    [
      'v2: a patch on top',
      { schema_version: 2, patch: { temperature: 1.1, max_tokens: 1 } },
      request,
      { model: 'prompt-model', messages: [system, mine], temperature: 1.1, max_tokens: 1, seed: 7 },
      [],
    ],
    [
      'v2: without what v1 has',
      { schema_version: 2, override: true, override_params: { temperature: 2 } },
      {},
      { temperature: 0.2 },
      [],
    ],
  ])('%s', async (_name, prompt, body, expected, absent) => {
    const reply = await gateway.chat({ ...body, prompt: { prompt_id: id, variables: { x: 1 }, ...prompt } })
    expect([reply.status, reply.text.slice(0, 200)]).toEqual([200, expect.anything()])
    expect(sent()).toMatchObject(expected)
    for (const name of absent) expect(sent()).not.toHaveProperty(name)
    expect(sent().messages).toEqual('messages' in expected ? expected.messages : sent().messages)
  })

  test('LLMGateway: the prompt first, and the request in everything else', async () => {
    await gateway.chat({ ...request, prompt: { id: 'wins', variables: { x: 1 } } })
    expect(sent()).toMatchObject({
      model: 'request-model',
      messages: [system, mine],
      temperature: 0.9,
      seed: 7,
    })
  })

  test('a prompt falls back to its own models, unless the request names some', async () => {
    const failing = (extra: object) =>
      gateway.chat({ prompt: { prompt_id: id, variables: { x: 1 } }, ...extra })
    gateway.upstream.script('prompt-model', fakes.json({ error: { message: 'broken' } }, 500))
    expect((await failing({})).status).toBe(200)
    expect(sent().model).toBe('prompt-fallback')
    expect((await failing({ fallback_models: ['fake/mine'] })).status).toBe(200)
    expect(sent().model).toBe('mine')
    expect((await failing({ disable_fallback: true })).status).toBe(500)
  })
})

describe('versions, labels and deployments', () => {
  test('a life', async () => {
    const { prompt_id: id } = await manage('POST', '/api/prompts/', { name: 'A life', description: 'd' }, 201)
    const path = `/api/prompts/${id}`
    const ask = async (prompt: object = {}) => {
      const reply = await gateway.chat({ model: 'fake/m', prompt: { prompt_id: id, ...prompt } })
      return reply.status === 200 ? sent().messages[0].content : error(reply.text).code
    }
    const text = (content: string) => ({ messages: user(content), model: 'fake/m' })
    expect(await ask()).toBe('prompt_version_not_found')
    expect(await manage('POST', `${path}/versions/`, text('one {{ a }}'), 201)).toMatchObject({
      ...{ version: 1, readonly: false, is_deployed: false, variables: { a: null }, parent_prompt: id },
    })
    expect(await ask()).toBe('prompt_version_not_found')
    await manage('PATCH', `${path}/versions/1/`, text('one'))
    expect([await ask({ version: 'latest' }), await ask({ version: 1 })]).toEqual(['one', 'one'])
    await manage('POST', `${path}/deployments/`, { version: 1 }, 400)
    expect(await manage('POST', `${path}/commits/`, { description: 'first' }, 201)).toMatchObject({
      ...{ version: 1, readonly: true, description: 'first' },
    })
    await manage('PATCH', `${path}/versions/1/`, text('changed'), 400)
    await manage('POST', `${path}/deployments/`, { version: 1 })
    expect(await ask()).toBe('one')
    await manage('PATCH', `${path}/versions/2/`, text('two'))
    expect([await ask(), await ask({ version: 'latest' })]).toEqual(['one', 'two'])
    await manage('PUT', `${path}/labels/staging/`, { version: 2 }, 201)
    const labelled = await gateway.chat({ model: '@prompt/a-life@staging' })
    expect(labelled.headers.get('x-llmgateway-prompt-label')).toBe('staging')
    expect(sent().messages).toEqual(user('two'))
    await manage('PATCH', `${path}/versions/2/`, { deploy: true })
    expect(await ask()).toBe('two')
    await manage('PATCH', `${path}/versions/1/`, { deploy: true })
    expect(await ask()).toBe('one')
    expect((await gateway.manage('DELETE', `${path}/versions/1/`)).body.detail).toBe(
      'Cannot delete the currently deployed version.',
    )
    await manage('DELETE', `${path}/versions/2/`, undefined, 400)
    await manage('PUT', `${path}/labels/staging/`, { version: 'live' }, 200)
    await manage('DELETE', `${path}/versions/2/`, undefined, 204)
    expect(await ask({ version: 2 })).toBe('prompt_version_not_found')
    expect(await manage('GET', `${path}/`)).toMatchObject({
      ...{ name: 'A life', description: 'd', prompt_slug: 'a-life', labels: { staging: 1 }, commit_count: 1 },
      live_version: { version: 1 },
    })
    await manage('DELETE', `${path}/`, undefined, 204)
    expect(await ask()).toBe('prompt_not_found')
    await manage('GET', `${path}/`, undefined, 404)
  })

  test('the list is paged and sorted', async () => {
    for (const name of ['page b', 'page a']) await promptWith(name, { messages: user('x') })
    const { count, results, next } = await manage('GET', '/api/prompts/?page_size=2&sort_by=name')
    expect(count).toBeGreaterThan(3)
    expect(results).toHaveLength(2)
    expect(next).toContain('page=2')
    expect((await gateway.manage('GET', '/api/prompts/?page_size=101')).status).toBe(422)
    const newest = await manage('POST', '/api/prompts/list/?page_size=1')
    expect(newest).toMatchObject({ results: [{ name: 'page a', current_version: { version: 1 } }] })
    expect(await manage('GET', '/api/prompts/summary/')).toMatchObject({ total_prompts: count })
  })

  test.each<[string, object, string]>([
    ['no messages', {}, 'messages'],
    ['a broken template', { messages: user('{{ a') }, 'messages'],
    ['an unknown field', { messages: user('a'), temprature: 1 }, 'body'],
    ['a wrong value', { messages: user('a'), temperature: 'hot' }, 'temperature'],
    [
      'a weight of nothing',
      { messages: user('a'), load_balance_models: [{ model: 'a', weight: 0 }] },
      'load_balance_models.0.weight',
    ],
  ])('a version is refused: %s', async (_name, version, field) => {
    const { status, body } = await gateway.manage('POST', `/api/prompts/${quickstart}/versions/`, version)
    expect([status, Object.keys(body.errors ?? {})]).toEqual([422, [field]])
  })

  test('deploys and rolls back under traffic without a failed request', async () => {
    const id = await promptWith('Under traffic', { messages: user('v1'), model: 'fake/m' })
    await manage('POST', `/api/prompts/${id}/versions/`, { messages: user('v2'), deploy: true }, 201)
    let isOver = false
    const statuses: number[] = []
    const texts = new Set<string>()
    const callers = Array.from({ length: 4 }, async () => {
      while (!isOver) {
        const reply = await gateway.chat({ model: 'fake/m', prompt_id: id })
        statuses.push(reply.status)
        texts.add(JSON.parse(reply.text).prompt_message[0].content)
      }
    })
    for (let round = 0; round < 6; round++) {
      const version = (round % 2) + 1
      await manage('POST', `/api/prompts/${id}/deployments/`, { version })
      const { text } = await gateway.chat({ model: 'fake/m', prompt_id: id })
      expect(JSON.parse(text).prompt_message[0].content).toBe(`v${version}`)
    }
    isOver = true
    await Promise.all(callers)
    expect(statuses.length).toBeGreaterThan(10)
    expect(new Set(statuses)).toEqual(new Set([200]))
    expect([...texts].sort()).toEqual(['v1', 'v2'])
  })

  test('experiments share requests, and a customer keeps its version', async () => {
    const id = await promptWith('Tried', { messages: user('v1'), model: 'fake/m' })
    const path = `/api/prompts/${id}`
    await manage('POST', `${path}/versions/`, { messages: user('v2') }, 201)
    const arms = [{ version: 1 }, { version: 2, weight: 3 }]
    await manage('POST', `${path}/experiments/`, { name: 'e', versions: arms }, 422)
    await manage('POST', `${path}/commits/`, {}, 201)
    const experiment = await manage('POST', `${path}/experiments/`, { name: 'e', versions: arms }, 201)
    await manage('POST', `${path}/experiments/`, { name: 'f', versions: arms }, 409)
    const ask = async (customer: string) => {
      const reply = await gateway.chat({ model: 'fake/m', prompt_id: id, customer_identifier: customer })
      return reply.headers.get('x-llmgateway-prompt-version')
    }
    const customers = Array.from({ length: 40 }, (_, at) => `customer ${at}`)
    const first = await Promise.all(customers.map(ask))
    expect(await Promise.all(customers.map(ask))).toEqual(first)
    const second = first.filter((version) => version === '2').length
    expect([second > 20, second < 40]).toEqual([true, true])
    await manage('PATCH', `${path}/experiments/${experiment.id}/`, { status: 'stopped' })
    expect(new Set(await Promise.all(customers.slice(0, 10).map(ask)))).toEqual(new Set(['1']))
  })
})

describe('typed variables', () => {
  test('an image, JSON and text', async () => {
    const id = await promptWith('Typed', {
      messages: [{ role: 'user', content: 'See {{ picture }} of {{ data.who }}: {{ words }}' }],
      model: 'fake/m',
    })
    const variables = {
      picture: { _type: 'image_url', value: 'https://example.com/a.png' },
      data: { _type: 'json', value: '{"who":"Ada"}' },
      words: { _type: 'text', value: '{{ data }}' },
    }
    await gateway.chat({ prompt_id: id, variables })
    expect(sent().messages[0].content).toEqual([
      { type: 'text', text: 'See ' },
      { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
      { type: 'text', text: ' of Ada: {{ data }}' },
    ])
  })

  test('a prompt in a prompt, but no deeper and in no circle', async () => {
    const child = await promptWith('Child', {
      messages: [
        { role: 'system', content: 'Be {{ how }}.' },
        { role: 'user', content: '{{ inner }}' },
      ],
      variables: { inner: 'fine', how: ['kind', 'short'] },
    })
    const parent = await promptWith('Parent', { messages: user('Rules: {{ rules }}'), model: 'fake/m' })
    const ask = (variables: object) => gateway.chat({ prompt_id: parent, variables })
    const nested = { _type: 'prompt', prompt_id: child, variables: { inner: 'good' } }
    const { logId } = await ask({ rules: nested })
    expect(sent().messages).toEqual(user('Rules: Be kind.\ngood'))
    expect((await gateway.logOf(logId)).variables).toEqual({
      rules: { ...nested, _rendered_result: 'Be kind.\ngood' },
    })
    const circle = await ask({ rules: { _type: 'prompt', prompt_id: parent, variables: {} } })
    expect([circle.status, error(circle.text).code]).toEqual([400, 'invalid_prompt_composition'])
    const deep = {
      ...nested,
      variables: { inner: { _type: 'prompt', prompt_id: quickstart, variables: SPANISH } },
    }
    const tooDeep = await ask({ rules: deep })
    expect([tooDeep.status, error(tooDeep.text).code]).toEqual([400, 'invalid_prompt_composition'])
  })

  test('a variable that is missing is empty when the version says so', async () => {
    const id = await promptWith('Lenient', {
      messages: user('[{{ a }}{{ b }}]'),
      variables: { b: 'B' },
      missing_variables: 'empty',
      model: 'fake/m',
    })
    await gateway.chat({ prompt_id: id })
    expect(sent().messages).toEqual(user('[B]'))
  })
})

describe('every protocol', () => {
  const schema = {
    type: 'object',
    properties: { a: { type: 'string' } },
    required: ['a'],
    additionalProperties: false,
  }
  let id: string
  beforeAll(async () => {
    id = await promptWith('Everywhere', {
      messages: QUICKSTART,
      model: 'claude-sonnet-4-5',
      temperature: 0.3,
      max_tokens: 77,
      response_format: { type: 'json_schema', json_schema: { name: 'r', schema } },
    })
  })
  const post = async (path: string, body: object) => {
    const response = await gateway.fetch(path, { method: 'POST', body: JSON.stringify(body) })
    const text = await response.text()
    expect([response.status, text.slice(0, 300)]).toEqual([200, expect.anything()])
    expect(response.headers.get('x-sluice-prompt')).toBe(`${id}@1`)
    return told()
  }

  test('Messages', async () => {
    const body = await post('/v1/messages', { prompt_id: id, variables: SPANISH })
    expect(body).toMatchObject({
      model: expect.stringContaining('claude'),
      ...{ max_tokens: 77, temperature: 0.3, messages: [{ role: 'user' }] },
    })
    expect(JSON.stringify(body.system)).toContain('speaks Spanish')
    expect(JSON.stringify(body)).toContain('"additionalProperties":false')
  })

  test('Messages, with a conversation behind the prompt', async () => {
    const messages = [{ role: 'assistant', content: 'It is.' }, ...user('And?')]
    const body = await post('/v1/messages', {
      ...{ system: 'Mine.', messages, max_tokens: 5, stream: false },
      metadata: { respan_params: { prompt: { prompt_id: id, schema_version: 2, variables: SPANISH } } },
    })
    expect(body.max_tokens).toBe(77)
    expect(body.messages).toHaveLength(3)
    expect(body.messages.slice(1)).toEqual(messages)
    expect(body.system.map(({ text }: { text: string }) => text)).toEqual([RENDERED[0]?.content, 'Mine.'])
  })

  test('Responses', async () => {
    const body = await post('/v1/responses', {
      ...{ model: 'gpt-4o', input: 'More?' },
      prompt: { prompt_id: id, schema_version: 2, variables: SPANISH, patch: { model: 'gpt-4o' } },
    })
    expect(body).toMatchObject({ model: 'gpt-4o', max_output_tokens: 77, temperature: 0.3 })
    expect(body).not.toHaveProperty('prompt')
    expect(body.input.at(-1)).toEqual({ role: 'user', content: 'More?' })
    expect(JSON.stringify(body)).toContain('speaks Spanish')
    expect(body.text.format).toMatchObject({ type: 'json_schema', name: 'r' })
  })

  test("Responses: OpenAI's own prompt goes on as it is", async () => {
    const own = { id: 'pmpt_1', version: '2', variables: { a: 'b' } }
    await gateway.fetch('/v1/responses', {
      method: 'POST',
      body: JSON.stringify({ model: 'gpt-4o', prompt: own }),
    })
    expect(told().prompt).toEqual(own)
  })

  test('generateContent', async () => {
    const body = await post('/v1beta/models/gemini-2.5-flash:generateContent', {
      ...{ prompt_id: id, variables: SPANISH, generation_config: { temperature: 0.8 } },
    })
    expect(JSON.stringify(body.systemInstruction)).toContain('speaks Spanish')
    expect(body.contents).toMatchObject([{ role: 'user', parts: [{ text: SPANISH.user_message }] }])
    expect(body.generation_config).toMatchObject({ temperature: 0.8, maxOutputTokens: 77 })
  })

  test('generateContent with a prompt for its model', async () => {
    const path = '/v1beta/models/@prompt/everywhere:generateContent'
    await post(path, { variables: SPANISH, contents: [{ role: 'user', parts: [{ text: 'And?' }] }] })
    expect(provider.calls.at(-1)?.path).toContain('/messages')
    expect(JSON.stringify(provider.calls.at(-1)?.json())).toContain('And?')
  })
})

describe('the rest of the gateway sees a request like any other', () => {
  test('the cache knows the rendered messages', async () => {
    const ask = (body: object) => gateway.chat({ model: 'fake/cached', cache_enabled: true, ...body })
    const first = await ask({ prompt_id: quickstart, variables: SPANISH })
    expect(first.headers.get('x-sluice-cache')).toBe('miss')
    await gateway.logOf(first.logId)
    const again = await ask({ prompt_id: quickstart, variables: SPANISH })
    expect(again.headers.get('x-sluice-cache')).toBe('hit')
    expect(JSON.parse(again.text)).toMatchObject({ prompt_message: RENDERED })
    const other = await ask({ prompt_id: quickstart, variables: { ...SPANISH, language: 'French' } })
    expect(other.headers.get('x-sluice-cache')).toBe('miss')
  })

  test('the same idempotency key is answered once', async () => {
    const headers = { 'idempotency-key': 'one prompt' }
    const ask = (variables: object) => gateway.chat({ prompt_id: quickstart, variables }, { headers })
    const [first, second] = [await ask(SPANISH), await ask(SPANISH)]
    expect([first.status, second.text]).toEqual([200, first.text])
    expect(gateway.upstream.calls).toHaveLength(1)
    expect((await ask({ ...SPANISH, language: 'French' })).status).toBe(409)
  })

  test('a key that may not call the model of a prompt may not by the prompt either', async () => {
    const { api_key: key } = await manage(
      'POST',
      '/api/api-keys/',
      { name: 'narrow', allowed_models: ['fake/other'] },
      201,
    )
    const headers = { authorization: `Bearer ${key}` }
    const reply = await gateway.chat({ prompt_id: quickstart, variables: SPANISH }, { headers })
    expect(reply.status).toBe(403)
  })

  test('a limit on tokens counts them', async () => {
    const long = await promptWith('Long', { messages: user('word '.repeat(400)), model: 'fake/limited' })
    const limit = {
      name: 'few tokens',
      scope: 'model',
      subject: 'fake/limited',
      metric: 'tokens',
      window: 'hour',
      value: 200,
      action: 'block',
    }
    const { id } = await manage('POST', '/api/limits/', limit, 201)
    expect((await gateway.chat({ prompt_id: long })).status).toBe(429)
    await manage('DELETE', `/api/limits/${id}/`, undefined, 204)
  })

  test('explain shows the prompt and what it says', async () => {
    const response = await gateway.fetch('/api/explain', {
      method: 'POST',
      body: JSON.stringify({ prompt_id: quickstart, variables: SPANISH }),
    })
    expect(await response.json()).toMatchObject({
      model: 'fake/of-the-prompt',
      prompt: { id: quickstart, name: 'Quickstart', version: 1, label: null, messages: RENDERED },
    })
    expect(gateway.upstream.calls).toEqual([])
  })

  test('variables without a prompt are reported', async () => {
    const reply = await gateway.chat({ model: 'fake/m', messages: user('hi'), variables: { a: 1 } })
    expect([reply.status, reply.headers.get('x-sluice-dropped')]).toEqual([200, 'variables'])
  })

  test('an admin key is needed to change a prompt', async () => {
    const { status } = await gateway.manage('GET', '/api/prompts/', undefined, gateway.key)
    expect(status).toBe(403)
    expect((await gateway.manage('GET', '/api/prompts/', undefined, ADMIN_KEY)).status).toBe(200)
  })
})

describe('prompts as files', () => {
  const script = resolve(import.meta.dirname, '../../scripts/prompts.mjs')
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-prompts-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  const files = async (...args: string[]) => {
    const env = { ...process.env, SLUICE_URL: gateway.url, SLUICE_ADMIN_KEY: ADMIN_KEY }
    const [command = '', ...flags] = args
    try {
      return { code: 0, ...(await run(process.execPath, [script, command, folder, ...flags], { env })) }
    } catch (cause) {
      const { code, stdout, stderr } = cause as { code: number; stdout: string; stderr: string }
      return { code, stdout, stderr }
    }
  }

  test('pull, change, diff and push', async () => {
    const parts = [{ role: 'user', content: [{ type: 'text', text: '{{ a }}' }] }]
    await promptWith('In parts', { messages: parts, tools: [{ type: 'function', function: { name: 'f' } }] })
    expect(await files('pull')).toMatchObject({ code: 0, stderr: '' })
    expect(await readdir(folder)).toEqual(expect.arrayContaining(['quickstart.md', 'in-parts.md']))
    expect(await files('diff')).toMatchObject({ code: 0, stdout: '' })
    expect(
      (await files('push')).stdout.split('\n').every((line) => line === '' || line.endsWith('as it is')),
    ).toBe(true)
    const path = join(folder, 'quickstart.md')
    const before = await readFile(path, 'utf8')
    expect(before).toBe(
      '---\nname: Quickstart\nmodel: fake/of-the-prompt\n---\n\n=== system\nYou are a helpful assistant that speaks {{language}}.\n\n=== user\n{{user_message}}\n',
    )
    await writeFile(path, before.replace('helpful', 'terse').replace('---\n\n', 'temperature: 0.1\n---\n\n'))
    const fresh = { name: 'From a file', messages: user('Hi {{ who }}'), variables: { who: 'all' } }
    await writeFile(join(folder, 'from-a-file.json'), JSON.stringify(fresh))
    const changed = await files('diff')
    expect([changed.code, changed.stdout]).toEqual([1, expect.stringContaining('  + temperature: 0.1')])
    expect(changed.stdout).toContain('from-a-file (only in the folder)')
    expect((await files('push', '--deploy')).stdout).toContain('quickstart: deployed version 2')
    expect(await files('diff')).toMatchObject({ code: 0, stdout: '' })
    await gateway.chat({ prompt_id: quickstart, variables: SPANISH })
    expect(sent()).toMatchObject({
      temperature: 0.1,
      messages: [{ content: expect.stringContaining('terse') }, {}],
    })
    await gateway.chat({ model: 'fake/m', prompt_id: 'from-a-file' })
    expect(sent().messages).toEqual(user('Hi all'))
    const drafted = JSON.stringify({ ...fresh, messages: user('Bye {{ who }}') })
    await writeFile(join(folder, 'from-a-file.json'), drafted)
    expect((await files('push')).stdout).toContain('from-a-file: saved version 2')
    await gateway.chat({ model: 'fake/m', prompt_id: 'from-a-file' })
    expect(sent().messages).toEqual(user('Hi all'))
    expect((await files('diff', '--live')).code).toBe(1)
  })

  test('a file that is no prompt, a wrong command and a wrong key are told', async () => {
    await writeFile(join(folder, 'broken.md'), 'no front matter')
    expect(await files('push')).toMatchObject({ code: 2, stderr: expect.stringContaining('broken.md') })
    expect((await files('fetch')).code).toBe(2)
  })
})
