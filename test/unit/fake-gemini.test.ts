import { createGoogleGenerativeAI } from '@ai-sdk/google'
import { FunctionCallingConfigMode, GoogleGenAI } from '@google/genai'
import { generateText, streamText } from 'ai'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import * as fakes from '../fakes'

const model = 'gemini-2.5-flash'
const gemini3 = 'gemini-3-pro-preview'
const functionDeclarations = [
  {
    name: 'get_weather',
    parametersJsonSchema: { type: 'object', properties: { city: { type: 'string' } } },
  },
]

let upstream: fakes.FakeUpstream
let client: GoogleGenAI

beforeAll(async () => {
  upstream = await fakes.startFakeUpstream()
  client = new GoogleGenAI({ apiKey: 'goog-key', httpOptions: { baseUrl: upstream.origin } })
})
afterEach(() => upstream.reset())
afterAll(() => upstream.close())

async function allOf<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const one of stream) all.push(one)
  return all
}

async function chunksOf(contents: string) {
  return await allOf(await client.models.generateContentStream({ model, contents }))
}

function post(path: string, body: object, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(upstream.origin + path, {
    method: 'POST',
    headers: { 'x-goog-api-key': 'k', ...headers },
    body: JSON.stringify(body),
  })
}

describe('generateContent', () => {
  test('echoes, with the counts of the whole', async () => {
    const response = await client.models.generateContent({ model, contents: 'hello there' })
    expect(response.text).toBe('echo: hello there')
    expect(response.candidates?.[0]).toMatchObject({ finishReason: 'STOP', index: 0 })
    expect(response.usageMetadata).toMatchObject({
      promptTokenCount: 9,
      candidatesTokenCount: 3,
      totalTokenCount: 12,
    })
    expect(response.modelVersion).toBe(model)
    expect(upstream.calls[0]).toMatchObject({ model, headers: { 'x-goog-api-key': 'goog-key' } })
  })

  test('streams whole responses, whose counts grow, and no terminal marker', async () => {
    const chunks = await chunksOf('hello there')
    expect(chunks.map(({ text }) => text)).toEqual(['echo:', ' hello', ' there', ''])
    expect(chunks.map(({ usageMetadata }) => usageMetadata?.totalTokenCount)).toEqual([10, 11, 12, 12])
    expect(chunks.map(({ candidates }) => candidates?.[0]?.finishReason)).toEqual([
      undefined,
      undefined,
      undefined,
      'STOP',
    ])
    expect(upstream.calls[0]?.query.get('alt')).toBe('sse')
  })

  test('without alt=sse the stream is one JSON array, and so is an error', async () => {
    const path = `/v1beta/models/${model}:streamGenerateContent`
    const body = { contents: [{ parts: [{ text: 'hello there' }] }] }
    upstream.script(model, fakes.answer(), fakes.status(429))
    const response = await post(path, body)
    expect(response.headers.get('content-type')).toBe('application/json; charset=UTF-8')
    expect(await response.json()).toHaveLength(4)
    expect(await (await post(path, body)).json()).toMatchObject([{ error: { status: 'RESOURCE_EXHAUSTED' } }])
    expect(await (await post(`${path}?alt=sse`, body)).json()).toMatchObject({ error: { code: 429 } })
  })

  test('counts cached tokens within the prompt, and thoughts apart from the candidates', async () => {
    const tokens = {
      prompt_tokens: 1020,
      completion_tokens: 40,
      prompt_tokens_details: { cached_tokens: 1000 },
      completion_tokens_details: { reasoning_tokens: 25 },
    }
    upstream.script(model, fakes.answer({ reasoning: 'hm', content: 'a', tokens }))
    const { usageMetadata } = await client.models.generateContent({ model, contents: 'x' })
    const expected = {
      promptTokenCount: 1020,
      cachedContentTokenCount: 1000,
      candidatesTokenCount: 15,
      thoughtsTokenCount: 25,
      totalTokenCount: 1060,
    }
    expect(usageMetadata).toMatchObject(expected)
    expect((await chunksOf('x')).at(-1)?.usageMetadata).toMatchObject(expected)
  })

  test('several candidates, a limit and JSON are honoured', async () => {
    const config = { candidateCount: 2, maxOutputTokens: 2 }
    const two = await client.models.generateContent({ model, contents: 'a b c', config })
    expect(two.candidates?.map(({ finishReason }) => finishReason)).toEqual(['MAX_TOKENS', 'MAX_TOKENS'])
    const responseSchema = { type: 'OBJECT', properties: { age: { type: 'INTEGER' } } }
    const asJson = { responseMimeType: 'application/json', responseSchema }
    const body = { contents: [{ parts: [{ text: 'x' }] }], generation_config: asJson }
    const reply = await post(`/v1beta/models/${model}:generateContent`, body)
    expect(await reply.json()).toMatchObject({
      candidates: [{ content: { parts: [{ text: '{"age":1}' }] } }],
    })
  })

  test.each([
    ['content_filter', 'SAFETY'],
    ['length', 'MAX_TOKENS'],
    ['malformed_tool_call', 'MALFORMED_FUNCTION_CALL'],
    ['RECITATION', 'RECITATION'],
  ])('ends for %s with %s', async (finishReason, expected) => {
    upstream.script(model, fakes.answer({ content: 'a', finishReason }))
    const { candidates } = await client.models.generateContent({ model, contents: 'x' })
    expect(candidates?.[0]?.finishReason).toBe(expected)
    expect((await chunksOf('x')).at(-1)?.candidates?.[0]?.finishReason).toBe(expected)
  })

  test('a refusal is a candidate without content, and a blocked prompt has no candidate', async () => {
    upstream.script(model, fakes.answer({ refusal: 'No.' }), fakes.contentBlocked())
    const refused = await client.models.generateContent({ model, contents: 'x' })
    expect(refused.candidates).toMatchObject([{ finishReason: 'SAFETY' }])
    expect(refused.candidates?.[0]?.content).toBeUndefined()
    const blocked = await client.models.generateContent({ model, contents: 'x' })
    expect(blocked.promptFeedback?.blockReason).toBe('PROHIBITED_CONTENT')
    expect(blocked.candidates).toBeUndefined()
    expect(await chunksOf('x')).toMatchObject([{ promptFeedback: { blockReason: 'PROHIBITED_CONTENT' } }])
  })

  test('models are listed, and tokens counted', async () => {
    const names = (await client.models.list()).page.map(({ name }) => name)
    expect(names).toEqual([`models/${model}`, `models/${gemini3}`])
    expect(await client.models.countTokens({ model, contents: 'hello there' })).toMatchObject({
      totalTokens: 9,
    })
  })
})

describe('tools and reasoning', () => {
  test.each([false, true])(
    'an agent loop brings signatures back as they were (stream %s)',
    async (isStream) => {
      const toolCalls = ['Paris', 'Rome'].map((city) => ({ name: 'get_weather', arguments: { city } }))
      upstream.script(
        gemini3,
        fakes.answer({ reasoning: 'look', toolCalls }),
        fakes.answer({ reasoning: 'so', content: 'sunny' }),
      )
      const config = { tools: [{ functionDeclarations }], automaticFunctionCalling: { disable: true } }
      const chat = client.chats.create({ model: gemini3, config })
      const say = async (message: Parameters<typeof chat.sendMessage>[0]['message']) =>
        isStream
          ? await allOf(await chat.sendMessageStream({ message }))
          : [await chat.sendMessage({ message })]
      const calls = (await say('weather?')).flatMap(({ functionCalls }) => functionCalls ?? [])
      expect(calls.map(({ args }) => args)).toEqual([{ city: 'Paris' }, { city: 'Rome' }])
      expect(calls[0]?.id).toMatch(/^fc_/)
      const parts = calls.map(({ id, name }) => ({
        functionResponse: { id: id ?? '', name: name ?? '', response: { output: 'sunny' } },
      }))
      const said = await say(parts)
      expect(said.map(({ text }) => text ?? '').join('')).toBe('sunny')
      expect(upstream.calls[1]?.proofs).toEqual([fakes.proofOf('gemini', 'lookget_weather')])
      const signatures = said.flatMap(({ candidates }) => candidates?.[0]?.content?.parts ?? [])
      expect(signatures.map(({ thoughtSignature }) => thoughtSignature)).toContain(
        fakes.proofOf('gemini', 'so'),
      )
    },
  )

  test('an unscripted model calls the tool that it may call, or none', async () => {
    const ask = (mode: FunctionCallingConfigMode) => {
      const toolConfig = { functionCallingConfig: { mode } }
      const config = { tools: [{ functionDeclarations }], toolConfig }
      return client.models.generateContent({ model, contents: 'x', config })
    }
    expect((await ask(FunctionCallingConfigMode.AUTO)).functionCalls).toMatchObject([{ name: 'get_weather' }])
    expect((await ask(FunctionCallingConfigMode.NONE)).text).toBe('echo: x')
  })

  test('the AI SDK reads both', async () => {
    const google = createGoogleGenerativeAI({ apiKey: 'k', baseURL: `${upstream.origin}/v1beta` })
    upstream.script(model, fakes.answer({ reasoning: 'so', content: 'well' }))
    const whole = await generateText({ model: google(model), prompt: 'hi', maxRetries: 0 })
    expect([whole.reasoningText, whole.text, whole.finishReason]).toEqual(['so', 'well', 'stop'])
    const streamed = streamText({ model: google(model), prompt: 'hi', maxRetries: 0 })
    expect([await streamed.text, await streamed.reasoningText]).toEqual(['well', 'so'])
  })
})

describe('requests that Google refuses', () => {
  const user = (...parts: object[]) => ({ role: 'user', parts })
  const theModel = (...parts: object[]) => ({ role: 'model', parts })
  const text = { text: 'x' }
  const call = { functionCall: { name: 'f', args: {} } }
  const answered = { functionResponse: { name: 'f', response: {} } }
  const proof = fakes.proofOf('gemini', 'f')

  test.each<[string, object, RegExp]>([
    ['no contents', { contents: [] }, /contents is not specified/],
    ['an unknown member', { contents: [user(text)], n: 1 }, /Unknown name "n"/],
    ['no parts', { contents: [user()] }, /parts must not be empty/],
    ['a foreign role', { contents: [{ role: 'assistant', parts: [text] }] }, /valid role: user, model/],
    ['no call', { contents: [user(text), theModel(text), user(answered)] }, /after a function call turn/],
    [
      'too few responses',
      { contents: [user(text), theModel(call, call), user(answered)] },
      /number of function/,
    ],
    [
      'no response',
      { contents: [user(text), theModel(call), user(text)] },
      /number of function response parts/,
    ],
    [
      'an altered signature',
      { contents: [user(text), theModel({ ...call, thoughtSignature: `${proof}AA` }), user(answered)] },
      /Corrupted thought signature/,
    ],
    [
      'no signature',
      { contents: [user(text), theModel(call), user(answered)] },
      /missing a thought_signature/,
    ],
  ])('%s', async (_, body, message) => {
    upstream.script(gemini3, fakes.answer({ content: 'scripted' }))
    const response = await post(`/v1beta/models/${gemini3}:generateContent`, body)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      error: { code: 400, status: 'INVALID_ARGUMENT', message: expect.stringMatching(message) },
    })
  })

  test.each([
    ['its own signature', proof],
    ['a documented stand-in', 'skip_thought_signature_validator'],
  ])('%s is fine', async (_, thoughtSignature) => {
    const contents = [user(text), theModel({ ...call, thoughtSignature }, call), user(answered, answered)]
    const body = { contents, system_instruction: user(text), toolConfig: {} }
    expect((await post(`/v1beta/models/${gemini3}:generateContent`, body)).status).toBe(200)
  })

  test('calls without a key; on Vertex AI, without a token', async () => {
    const body = JSON.stringify({ contents: [user(text)] })
    const path = `/v1beta/models/${model}:generateContent`
    const keyless = await fetch(upstream.origin + path, { method: 'POST', body })
    expect([keyless.status, await keyless.json()]).toMatchObject([
      403,
      { error: { status: 'PERMISSION_DENIED' } },
    ])
    expect((await fetch(`${upstream.origin}${path}?key=k`, { method: 'POST', body })).status).toBe(200)
    const vertex = `/v1/projects/p/locations/l/publishers/google/models/${model}:generateContent`
    expect((await post(vertex, JSON.parse(body))).status).toBe(401)
    const response = await post(vertex, JSON.parse(body), { authorization: 'Bearer ya29.x' })
    expect(response.status).toBe(200)
    expect(upstream.calls.at(-1)?.model).toBe(model)
  })
})

describe('the token endpoint', () => {
  const grant = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
  const now = Math.floor(Date.now() / 1000)
  const claims = { iss: 'a@b', aud: 'https://x/token', scope: 'cloud', iat: now, exp: now + 3600 }
  const jwt = (payload: object, alg = 'RS256') =>
    [{ alg, typ: 'JWT' }, payload]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .concat('c2lnbmF0dXJl')
      .join('.')
  const ask = (grant_type: string, assertion: string) =>
    fetch(`${upstream.origin}/token`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type, assertion }),
    })

  test('gives a token for a good JWT', async () => {
    const response = await ask(grant, jwt(claims))
    expect(await response.json()).toEqual({
      access_token: expect.stringMatching(/^ya29\./),
      expires_in: 3599,
      token_type: 'Bearer',
    })
  })

  test.each<[string, string, string, string]>([
    ['another grant', 'password', jwt(claims), 'unsupported_grant_type'],
    ['no JWT', grant, 'x.y', 'invalid_grant'],
    ['another algorithm', grant, jwt(claims, 'HS256'), 'invalid_grant'],
    ['no scope', grant, jwt({ ...claims, scope: '' }), 'invalid_grant'],
    ['a long life', grant, jwt({ ...claims, exp: now + 7200 }), 'invalid_grant'],
  ])('refuses %s', async (_, type, assertion, error) => {
    const response = await ask(type, assertion)
    expect([response.status, await response.json()]).toMatchObject([400, { error }])
  })

  test('can be scripted by its path', async () => {
    upstream.script('POST /token', fakes.status(500))
    expect((await ask(grant, jwt(claims))).status).toBe(500)
  })
})
