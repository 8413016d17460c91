import { describe, expect, test } from 'vitest'
import { cacheKeyOf } from '../../../src/cache/cache-key'
import { canonicalText, exactJson } from '../../../src/cache/canonical-json'
import { bodyQuestion, chatQuestion } from '../../../src/cache/question'
import { unreadFields } from '../../../src/cache/unread-fields'
import { SluiceError } from '../../../src/platform/failure'
import type { ProtocolId } from '../../../src/protocols/protocol'
import { protocols, upstreamCodecs } from '../../../src/protocols/table'
import { type Dice, diceOf, listOf } from '../dice'
import { makerOf, randomRequest } from './random-request'

const SEEDS = 200
const CLIENTS: readonly ProtocolId[] = ['openai-chat', 'openai-responses', 'anthropic', 'gemini']
const scope = { environment: 'prod' } as const

type Json = Record<string, unknown>

/** A request of this protocol as its client would write it; undefined where the protocol has no words for it. */
function randomBody(protocol: ProtocolId, seed: number): Json | undefined {
  try {
    const request = randomRequest(makerOf(diceOf(seed)), protocol)
    return upstreamCodecs[protocol].encodeRequest(request, { model: 'model-1', traits: {} }).body
  } catch (cause) {
    if (cause instanceof SluiceError) return undefined
    throw cause
  }
}

async function keyOfText(protocol: ProtocolId, text: string): Promise<string> {
  const address = { model: 'model-1', stream: false }
  const body = JSON.parse(text)
  const request = protocols[protocol].codec?.decodeRequest(body, address)
  if (request === undefined) throw new Error(`${protocol} has no codec`)
  const content = chatQuestion(request, unreadFields(body))
  return cacheKeyOf(scope, { kind: 'chat', content }, () => exactJson(text))
}

/** The same JSON in another order of keys and with white space, as another client might write it. */
function rewritten(value: unknown, dice: Dice): string {
  const gap = () => dice.pick(['', ' ', '\n  ', '\t'])
  if (Array.isArray(value)) return `[${gap()}${value.map((one) => rewritten(one, dice)).join(`${gap()},`)}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .map(([key, member]) => `${gap()}${JSON.stringify(key)}${gap()}:${gap()}${rewritten(member, dice)}`)
  for (let last = members.length - 1; last > 0; last--) {
    const other = dice.below(last + 1)
    const [one = '', two = ''] = [members[last], members[other]]
    members.splice(last, 1, two)
    members.splice(other, 1, one)
  }
  return `{${members.join(',')}${gap()}}`
}

/** Every text, number and flag of a body, by its path. */
function leavesOf(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return value === undefined ? [] : [path]
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value)
  return entries.flatMap(([key, inner]) => leavesOf(inner, [...path, key]))
}

/** A body in which one leaf is another one. */
function changedAt(value: unknown, [key, ...rest]: (string | number)[]): unknown {
  if (key === undefined) {
    if (typeof value === 'string') return `${value}x`
    if (typeof value === 'number') return 1 - 2 * value
    return typeof value === 'boolean' ? !value : 'x'
  }
  if (Array.isArray(value)) return value.map((one, index) => (index === key ? changedAt(one, rest) : one))
  return { ...Object(value), [key]: changedAt(Object(value)[key], rest) }
}

/** What does not change an answer, by its place; in the words of all four protocols. */
const IRRELEVANT = new RegExp(
  [
    String.raw`^(?:model|stream|user|safety_identifier|store|service_tier|serviceTier|metadata|labels|request_id)\b`,
    String.raw`^prompt_cache_|^stream_options\b|cache_control|prompt_cache_breakpoint|cachePoint`,
    // The ids of an answer's items mean nothing to the next one; the proofs beside them do.
    String.raw`^input\.\d+\.(?:id|status)$|reasoning_details\.\d+\.id$|functionResponse\.id$`,
    // A kind that does not exist is read as the one that was meant.
    String.raw`reasoning_details\.\d+\.(?:type|format|index)$|tool_calls\.\d+\.type$`,
    String.raw`^input\.\d+\.content\.\d+\.type$|^tool_choice\..*type$`,
  ].join('|'),
)

describe.each(CLIENTS)('requests of %s', (protocol) => {
  test(`have one key in every order of keys, with any white space (${SEEDS} seeds)`, async () => {
    let told = 0
    for (let seed = 0; seed < SEEDS; seed++) {
      const body = randomBody(protocol, seed)
      if (body === undefined) continue
      const key = await keyOfText(protocol, JSON.stringify(body))
      const other = rewritten(body, diceOf(seed + 1_000))
      if ((await keyOfText(protocol, other)) !== key) expect(other, `seed ${seed}`).toBe(JSON.stringify(body))
      told++
    }
    expect(told).toBeGreaterThan(SEEDS / 4)
  })

  test(`have another key when anything that matters is changed (${SEEDS} seeds)`, async () => {
    const kept: string[] = []
    let changed = 0
    for (let seed = 0; seed < SEEDS; seed++) {
      const body = randomBody(protocol, seed)
      if (body === undefined) continue
      const key = await keyOfText(protocol, JSON.stringify(body))
      const leaves = leavesOf(body)
      const dice = diceOf(seed + 2_000)
      for (const path of listOf(12, () => dice.pick(leaves))) {
        if (IRRELEVANT.test(path.join('.'))) continue
        const other = JSON.stringify(changedAt(body, path))
        const otherKey = await keyOfText(protocol, other).catch((cause: unknown) => {
          if (cause instanceof SluiceError) return 'refused'
          throw cause
        })
        if (otherKey === key) kept.push(`seed ${seed}: ${path.join('.')}: ${JSON.stringify(at(body, path))}`)
        else changed++
      }
    }
    expect(kept).toEqual([])
    expect(changed).toBeGreaterThan(SEEDS)
  })
})

/** Every object of a body, by its path. */
function objectsOf(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return []
  if (Array.isArray(value)) return value.flatMap((one, index) => objectsOf(one, [...path, index]))
  return [path, ...Object.entries(value).flatMap(([key, inner]) => objectsOf(inner, [...path, key]))]
}

/** A body that has one more field in the object at this path. */
function withField(value: unknown, [key, ...rest]: (string | number)[]): unknown {
  if (key === undefined) return { ...Object(value), zz_unknown: 'x' }
  if (Array.isArray(value)) return value.map((one, index) => (index === key ? withField(one, rest) : one))
  return { ...Object(value), [key]: withField(Object(value)[key], rest) }
}

describe.each(CLIENTS)('unknown fields of %s', (protocol) => {
  test('enter the key, wherever they stand', async () => {
    const lost = new Map<string, number>()
    for (let seed = 0; seed < SEEDS; seed++) {
      const body = randomBody(protocol, seed)
      if (body === undefined) continue
      const key = await keyOfText(protocol, JSON.stringify(body))
      for (const path of objectsOf(body)) {
        const place = path.join('.')
        if (IRRELEVANT.test(place)) continue
        const other = await keyOfText(protocol, JSON.stringify(withField(body, path))).catch(() => 'refused')
        if (other === key) lost.set(place.replaceAll(/\d+/g, 'N'), (lost.get(place) ?? 0) + 1)
      }
    }
    expect(Object.fromEntries(lost)).toEqual({})
  })
})

function at(value: unknown, path: (string | number)[]): unknown {
  return path.reduce<unknown>((inner, key) => Object(inner)[key], value)
}

describe('the same question in four protocols', () => {
  const asked: Record<ProtocolId, object> = {
    'openai-chat': {
      model: 'a',
      messages: [
        { role: 'system', content: 'Be brief.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is it?' },
            { type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=' } },
          ],
        },
        {
          role: 'assistant',
          tool_calls: [
            { id: 'c1', type: 'function', function: { name: 'f', arguments: '{ "b": 1, "a": [2] }' } },
          ],
        },
        { role: 'tool', tool_call_id: 'c1', content: 'done' },
      ],
      max_tokens: 50,
      temperature: 0.5,
      top_p: 0.9,
    },
    'openai-responses': {
      model: 'b',
      instructions: 'Be brief.',
      input: [
        {
          role: 'user',
          content: [
            { type: 'input_text', text: 'What is it?' },
            { type: 'input_image', image_url: 'data:image/png;base64,aGk=' },
          ],
        },
        { type: 'function_call', call_id: 'c1', name: 'f', arguments: '{"a":[2],"b":1}' },
        { type: 'function_call_output', call_id: 'c1', output: 'done' },
      ],
      max_output_tokens: 50,
      temperature: 0.5,
      top_p: 0.9,
      user: 'u',
    },
    anthropic: {
      model: 'c',
      system: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } }],
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is it?' },
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } },
          ],
        },
        { role: 'assistant', content: [{ type: 'tool_use', id: 'c1', name: 'f', input: { b: 1, a: [2] } }] },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'c1', content: 'done' }] },
      ],
      max_tokens: 50,
      temperature: 0.5,
      top_p: 0.9,
      stream: true,
    },
    gemini: {
      systemInstruction: { parts: [{ text: 'Be brief.' }] },
      contents: [
        {
          role: 'user',
          parts: [{ text: 'What is it?' }, { inlineData: { mimeType: 'image/png', data: 'aGk=' } }],
        },
      ],
      generationConfig: { maxOutputTokens: 50, temperature: 0.5, topP: 0.9 },
    },
  }

  test('has one key', async () => {
    const keys = await Promise.all(
      CLIENTS.filter((protocol) => protocol !== 'gemini').map((protocol) =>
        keyOfText(protocol, JSON.stringify(asked[protocol])),
      ),
    )
    expect(new Set(keys).size).toBe(1)
  })

  test('has one key in Gemini’s words too, whose calls have no ids of their own', async () => {
    const chat = structuredClone(asked['openai-chat'])
    Object(chat).messages.splice(2)
    const keys = [
      await keyOfText('openai-chat', JSON.stringify(chat)),
      await keyOfText('gemini', JSON.stringify(asked.gemini)),
    ]
    expect(new Set(keys).size).toBe(1)
  })
})

describe('canonical text', () => {
  test.each<[unknown, string]>([
    [{ b: 1, a: { d: null, c: undefined } }, '{"a":{"d":null},"b":1}'],
    [[undefined, 'é"\n', -0, 1e21, true], '[null,"é\\"\\n",0,1e+21,true]'],
    ['\ud800', '"\\ud800"'],
  ])('of %j is %s', (value, text) => {
    expect(canonicalText(value)).toMatchObject({ text: [text], long: [] })
  })

  test('keeps long strings apart, where they stand', () => {
    const [one, two] = ['x'.repeat(16_384), 'y'.repeat(20_000)]
    const told = canonicalText({ a: one, b: ['short', two], c: 1 })
    expect(told).toEqual({ text: ['{"a":', ',"b":["short",', '],"c":1}'], long: [one, two], isExact: true })
  })

  test.each<[unknown, boolean]>([
    [Number.MAX_SAFE_INTEGER, true],
    [2 ** 53, false],
    [{ a: [-(2 ** 60)] }, false],
    [0.1, true],
  ])('of %j is exact: %s', (value, isExact) => {
    expect(canonicalText(value).isExact).toBe(isExact)
  })

  test('has long strings in the key by their content', async () => {
    const keyOf = (content: unknown) => cacheKeyOf(scope, { kind: 'chat', content }, () => '')
    const [one, other] = ['x'.repeat(50_000), `${'x'.repeat(49_999)}y`]
    const keys = await Promise.all(
      [{ a: one, b: other }, { a: other, b: one }, { a: one, b: one }, { a: one }].map(keyOf),
    )
    expect(new Set(keys).size).toBe(4)
    expect(await keyOf({ b: other, a: one })).toBe(keys[0])
  })
})

test('integers that lose digits are told apart by their text, in any order of keys', async () => {
  const keyOf = (fields: string) =>
    keyOfText('openai-chat', `{"model":"m","messages":[{"role":"user","content":"hi"}],${fields}}`)
  const one = await keyOf('"seed":9007199254740993,"my_seed":9007199254740992')
  expect(await keyOf('"my_seed": 9007199254740992, "seed": 9007199254740993')).toBe(one)
  expect(await keyOf('"seed":9007199254740992,"my_seed":9007199254740993')).not.toBe(one)
  expect(await keyOf('"seed":9007199254740992,"my_seed":9007199254740992')).not.toBe(one)
})

describe('the scope', () => {
  const content = { a: 1 }
  const keyOf = (given: object, kind = 'chat', more: object = {}) =>
    cacheKeyOf({ ...scope, ...given }, { kind, content, ...more }, () => '')

  test('makes a key of its own for each of its parts', async () => {
    const keys = await Promise.all([
      ...[keyOf({}), keyOf({ environment: 'test' }), keyOf({ apiKeyId: 'a' }), keyOf({ customer: 'a' })],
      ...[
        keyOf({ customer: 'b' }),
        keyOf({ customer: '' }),
        keyOf({ models: ['a'] }),
        keyOf({ models: ['a', 'b'] }),
      ],
      ...[keyOf({}, 'openai-embeddings'), keyOf({}, 'chat', { isStream: true })],
      keyOf({}, 'chat', { headers: { 'x-mode': 'deep' } }),
    ])
    expect(new Set(keys).size).toBe(keys.length)
  })

  test('and nothing else of a body that has no canonical form', () => {
    const body = { model: 'm', input: ['a'], user: 'u', metadata: {}, dimensions: 3 }
    expect(bodyQuestion(body)).toEqual({ input: ['a'], dimensions: 3 })
  })
})
