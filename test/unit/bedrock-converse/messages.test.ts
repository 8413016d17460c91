import { describe, expect, test } from 'vitest'
import { converseCodec } from '../../../src/protocols/bedrock-converse/codec'
import type { Media, Part } from '../../../src/protocols/parts'
import type { ChatRequest } from '../../../src/protocols/request'
import { call, chatRequest, claude, result, type Said, text, thought, weather } from './requests'

function encode(said: readonly Said[], more: Partial<ChatRequest> = {}) {
  const { body, losses } = converseCodec.encodeRequest(
    chatRequest(said, { tools: [weather], ...more }),
    claude(),
  )
  const { messages, system } = { messages: undefined, system: undefined, ...body }
  return { messages, system, losses }
}

function failureOf(said: readonly Said[], more: Partial<ChatRequest> = {}): unknown {
  try {
    return encode(said, more)
  } catch (cause) {
    return cause instanceof Error && 'failure' in cause ? cause.failure : cause
  }
}

const png: Media = { kind: 'base64', base64: 'iVBOR', mediaType: 'image/png' }
const at = 'messages[0].content[0]'
/** Where the answer stands behind a question. */
const said = 'messages[1].content[0]'

describe('messages', () => {
  test('neighbours of one role are one turn, and instructions in the middle stay in their place', () => {
    const encoded = encode([
      ['system', text('A')],
      ['developer', text('B')],
      ['user', text('1')],
      ['system', text('Be brief.')],
      ['user', text('2')],
      ['assistant', text('3')],
      ['assistant', text('4  \n')],
    ])
    expect(encoded).toEqual({
      system: [{ text: 'A' }, { text: 'B' }],
      messages: [
        { role: 'user', content: [{ text: '1' }, { text: 'Be brief.' }, { text: '2' }] },
        { role: 'assistant', content: [{ text: '3' }, { text: '4' }] },
      ],
      losses: [],
    })
  })

  test('blank texts, and turns of nothing else, are left out', () => {
    const encoded = encode([
      ['user', text('1')],
      ['assistant', text(' \n')],
      ['user', text(''), text('2')],
    ])
    expect(encoded.messages).toEqual([{ role: 'user', content: [{ text: '1' }, { text: '2' }] }])
  })

  test('results come first in their turn, with the markers behind them', () => {
    const encoded = encode([
      ['user', text('Q')],
      ['assistant', call('a', '{}'), call('b', '')],
      [
        'user',
        text('By the way'),
        { ...result('a', text('1')), cache: { ttl: '1h' } },
        { ...text('x'), cache: {} },
      ],
      ['user', { ...result('b', { ...text('no'), cache: { ttl: '5m' } }), isError: true } as Part],
    ])
    expect(encoded.messages).toHaveProperty('[2].content', [
      { toolResult: { toolUseId: 'a', content: [{ text: '1' }] } },
      { cachePoint: { type: 'default', ttl: '1h' } },
      { toolResult: { toolUseId: 'b', content: [{ text: 'no' }], status: 'error' } },
      { cachePoint: { type: 'default' } },
      { text: 'By the way' },
      { text: 'x' },
      { cachePoint: { type: 'default' } },
    ])
  })

  test('a result holds what it may, and nothing when the tool told nothing', () => {
    const encoded = encode([
      ['user', text('Q')],
      ['assistant', call('a', '{}'), call('b', '{}')],
      ['user', result('a', text('')), result('b', text('See:'), { kind: 'image', media: png })],
    ])
    expect(encoded.messages).toHaveProperty('[2].content', [
      { toolResult: { toolUseId: 'a', content: [] } },
      {
        toolResult: {
          toolUseId: 'b',
          content: [{ text: 'See:' }, { image: { format: 'png', source: { bytes: 'iVBOR' } } }],
        },
      },
    ])
    expect(failureOf([['user', result('a', call('b', '{}'))]])).toMatchObject({ kind: 'untranslatable' })
  })

  test('an id that is not legal becomes one that is, the same in call and result', () => {
    const id = 'call:1/é'.repeat(20)
    const encoded = encode([
      ['user', text('Q')],
      ['assistant', call(id, '{}'), call(`${id}!`, '{}')],
      ['user', result(id, text('1')), result(`${id}!`, text('2'))],
    ])
    const ids = [...JSON.stringify(encoded.messages).matchAll(/"toolUseId":"([^"]*)"/g)].map(
      (found) => found[1],
    )
    expect(ids.slice(2)).toEqual(ids.slice(0, 2))
    expect(new Set(ids).size).toBe(2)
    for (const legal of ids) expect(legal).toMatch(/^[a-zA-Z0-9_-]{1,64}$/)
  })

  test('documents get names of their own', () => {
    const file = (name?: string): Part => ({
      kind: 'file',
      media: { kind: 'text', text: 'é', mediaType: 'text/plain' },
      name,
    })
    const encoded = encode([['user', file('a_b  (1).txt'), file('a_b (1)'), file(), file(), text('?')]])
    const names = [...JSON.stringify(encoded.messages).matchAll(/"name":"([^"]*)"/g)].map((found) => found[1])
    expect(names).toEqual(['a-b (1)', 'a-b (1)-2', 'document', 'document-2'])
    expect(encoded.messages).toHaveProperty('[0].content[0].document', {
      format: 'txt',
      name: 'a-b (1)',
      source: { bytes: 'w6k=' },
    })
  })

  test.each<[string, Part, unknown, string[]]>([
    ['a refusal', { kind: 'refusal', text: 'No.' }, { text: 'No.' }, []],
    [
      'a video',
      { kind: 'video', media: { ...png, mediaType: 'video/mp4' } },
      { video: { format: 'mp4', source: { bytes: 'iVBOR' } } },
      [],
    ],
    [
      'a picture as a file',
      { kind: 'file', media: png, name: 'a.png' },
      { image: { format: 'png', source: { bytes: 'iVBOR' } } },
      [],
    ],
    [
      'a document to cite from',
      {
        kind: 'file',
        media: { ...png, mediaType: 'text/csv; charset=utf-8' },
        isCited: true,
        context: 'Sums.',
      },
      {
        document: {
          format: 'csv',
          source: { bytes: 'iVBOR' },
          name: 'document',
          context: 'Sums.',
          citations: { enabled: true },
        },
      },
      [],
    ],
    [
      'a detail',
      { kind: 'image', media: png, detail: 'high' },
      { image: { format: 'png', source: { bytes: 'iVBOR' } } },
      [`${said}.detail`],
    ],
    ['what was said aloud', { kind: 'audio', media: png, transcript: 'Hi' }, { text: 'Hi' }, [said]],
    [
      'an encrypted thought',
      { kind: 'reasoning', text: '', proof: { family: 'anthropic', encrypted: 'Zm9v' } },
      { reasoningContent: { redactedContent: 'Zm9v' } },
      [],
    ],
    [
      'a thought of another family',
      { kind: 'reasoning', text: 'Hm', proof: { family: 'openai', encrypted: 'x' } },
      undefined,
      [said],
    ],
    ['a thought without a proof', { kind: 'reasoning', text: 'Hm' }, undefined, [said]],
    [
      'a native part',
      { kind: 'native', type: 'server_tool_use', protocol: 'anthropic', value: {} },
      undefined,
      [said],
    ],
    [
      'free text for a tool',
      { ...call('a', 'ls -l'), isCustom: true } as Part,
      { toolUse: { toolUseId: 'a', name: 'get_weather', input: { input: 'ls -l' } } },
      [],
    ],
    [
      'fields of another protocol',
      { ...text('a'), extras: { protocol: 'anthropic', fields: { odd: 1 }, at: said } },
      { text: 'a' },
      [`${said}.odd`],
    ],
  ])('%s', (_, part, block, losses) => {
    const encoded = encode([
      ['user', text('!')],
      ['assistant', part],
      ['user', text('?')],
    ])
    const [before, after] = [{ text: '!' }, { text: '?' }]
    const turns = [
      { role: 'user', content: [before] },
      { role: 'assistant', content: [block] },
      { role: 'user', content: [after] },
    ]
    expect(encoded.messages).toEqual(
      block === undefined ? [{ role: 'user', content: [before, after] }] : turns,
    )
    expect(encoded.losses).toEqual(losses)
  })

  test.each<[string, Part]>([
    ['a picture on the web', { kind: 'image', media: { kind: 'url', url: 'https://example.com/a.png' } }],
    ['a stored picture', { kind: 'image', media: { kind: 'file_id', id: 'f', protocol: 'openai-chat' } }],
    ['a picture of an unknown format', { kind: 'image', media: { ...png, mediaType: 'image/tiff' } }],
    ['a document on the web', { kind: 'file', media: { kind: 'url', url: 'https://example.com/a.pdf' } }],
    ['a document of an unknown format', { kind: 'file', media: { ...png, mediaType: 'application/zip' } }],
    ['sound', { kind: 'audio', media: { ...png, mediaType: 'audio/wav' } }],
  ])('%s cannot be said', (_, part) => {
    expect(failureOf([['user', part]])).toMatchObject({ kind: 'untranslatable', param: at })
  })

  test('instructions are text only, and no stored answer is continued', () => {
    expect(failureOf([['system', { kind: 'image', media: png }]])).toMatchObject({
      kind: 'untranslatable',
      param: at,
    })
    expect(failureOf([['user', text('a')]], { previousResponseId: 'resp_1' })).toMatchObject({
      kind: 'untranslatable',
      param: 'previous_response_id',
    })
  })

  test.each([
    ['openai-chat', 'function.arguments'],
    ['openai-responses', 'arguments'],
  ] as const)('broken arguments are named as %s does', (protocol, field) => {
    expect(failureOf([['assistant', call('a', '{"city":')]], { protocol })).toMatchObject({
      kind: 'invalid_request',
      param: `${at}.${field}`,
    })
  })

  test('names of speakers and fields of other protocols are losses', () => {
    const request = chatRequest([['user', text('a')]])
    const [message] = request.messages
    const extras = { protocol: 'openai-chat', fields: { odd: 1 }, at: '' } as const
    const { losses } = converseCodec.encodeRequest(
      {
        ...request,
        extras,
        messages:
          message === undefined ? [] : [{ ...message, name: 'ann', extras: { ...extras, at: message.at } }],
      },
      claude(),
    )
    expect(losses).toEqual(['odd', 'messages[0].name', 'messages[0].odd'])
  })

  test('a proven thought keeps its bytes', () => {
    const signature = 'EqQB+/=='
    const { messages } = encode([
      ['user', text('?')],
      ['assistant', thought(' two\nlines ', signature), text('a')],
      ['user', text('?')],
    ])
    expect(messages).toHaveProperty('[1].content[0]', {
      reasoningContent: { reasoningText: { text: ' two\nlines ', signature } },
    })
  })
})
