import { describe, expect, test } from 'vitest'
import type { ProtocolId, WireProtocolId } from '../../../src/protocols/protocol'
import { decoded, refusal, sent } from './translate'

const JPEG = '/9j/4AAQSkZJRg=='
const PNG = 'iVBORw0KGgo='
const user = (...content: unknown[]) => ({ messages: [{ role: 'user', content }] })
const text = (value: string) => ({ type: 'text', text: value })
const image = (url: string) => ({ type: 'image_url', image_url: { url } })

describe('an image', () => {
  test.each([
    ['whose type is misspelt', `data:image/jpg;base64,${JPEG}`, 'jpeg'],
    ['whose type is another than it says', `data:image/jpeg;base64,${PNG}`, 'png'],
    ['of a type that bytes alone tell', `data:application/octet-stream;base64,${PNG}`, 'png'],
  ])('%s is of the right one', (_, url, type) => {
    const body = user(text('?'), image(url))
    expect(JSON.stringify(sent('openai-chat', body, 'anthropic').body)).toContain(
      `"media_type":"image/${type}"`,
    )
    expect(JSON.stringify(sent('openai-chat', body, 'gemini').body)).toContain(`"mimeType":"image/${type}"`)
    expect(JSON.stringify(sent('openai-chat', body, 'bedrock-converse').body)).toContain(`"format":"${type}"`)
  })

  test('of a type that no bytes tell is refused by its name', () => {
    const body = user(image('data:image/tiff;base64,AAAA'))
    expect(refusal(() => sent('openai-chat', body, 'anthropic'))).toMatchObject({
      kind: 'untranslatable',
      param: 'messages[0].content[0]',
    })
  })
})

describe('a conversation', () => {
  test.each<[string, unknown[], unknown]>([
    [
      'that begins with an answer',
      [
        { role: 'assistant', content: 'Hello.' },
        { role: 'user', content: 'Hi.' },
      ],
      [
        { role: 'user', content: [{ text: 'Begin.' }] },
        { role: 'assistant', content: [{ text: 'Hello.' }] },
        { role: 'user', content: [{ text: 'Hi.' }] },
      ],
    ],
    [
      'of instructions alone',
      [{ role: 'system', content: 'Sing.' }],
      [{ role: 'user', content: [{ text: 'Sing.' }] }],
    ],
    [
      'of a document without a word',
      [
        {
          role: 'user',
          content: [{ type: 'file', file: { file_data: 'data:application/pdf;base64,JVBERi0=' } }],
        },
      ],
      [
        {
          role: 'user',
          content: [
            { document: { format: 'pdf', source: { bytes: 'JVBERi0=' }, name: 'document' } },
            { text: 'See the document.' },
          ],
        },
      ],
    ],
  ])('%s is one that Converse takes', (_, messages, turns) => {
    const { body } = sent('openai-chat', { messages }, 'bedrock-converse')
    expect(body.messages).toEqual(turns)
    expect(body.system).toBeUndefined()
  })

  test('of instructions alone is asked of Responses as input', () => {
    const { body } = sent(
      'openai-chat',
      { messages: [{ role: 'system', content: 'Sing.' }] },
      'openai-responses',
    )
    expect(body.instructions).toBeUndefined()
    expect(body.input).toHaveLength(1)
  })
})

describe('text in a file', () => {
  test('of Google is text in chat completions, where most servers read PDF only', () => {
    const data = btoa('a,b')
    const contents = [{ parts: [{ inlineData: { mimeType: 'text/csv', data } }, { text: 'Sum.' }] }]
    expect(sent('gemini', { contents }, 'openai-chat').body.messages).toEqual([
      { role: 'user', content: 'a,b\n\nSum.' },
    ])
  })

  test.each<[WireProtocolId, string]>([
    ['openai-chat', 'T\\n\\nhttps://e\\n\\nfound'],
    ['openai-responses', 'T\\n\\nhttps://e\\n\\nfound'],
    ['gemini', btoa('found')],
  ])('%s: what the client itself found goes along', (target, told) => {
    const found = { type: 'search_result', source: 'https://e', title: 'T', content: [text('found')] }
    const request = { max_tokens: 99, ...user(found, text('?')) }
    const { body, losses } = sent('anthropic', request, target)
    expect(JSON.stringify(body)).toContain(told)
    expect(losses).toEqual(target === 'gemini' ? ['messages[0].content[0].title'] : [])
    expect(sent('anthropic', request, 'anthropic').body.messages).toEqual(request.messages)
  })
})

describe('a call in the history', () => {
  const call = (json: string) => ({
    messages: [
      { role: 'user', content: 'hi' },
      {
        role: 'assistant',
        tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: json } }],
      },
      { role: 'tool', tool_call_id: 'c', content: '' },
    ],
  })
  const targets: readonly WireProtocolId[] = ['anthropic', 'gemini', 'bedrock-converse']

  test.each(['', ' ', 'null', '{}'])('with nothing (%j) has an empty object', (json) => {
    for (const target of targets) {
      expect(JSON.stringify(sent('openai-chat', call(json), target).body)).toMatch(/"(?:input|args)":\{\}/)
    }
  })

  test.each<[ProtocolId, unknown, string]>([
    ['openai-chat', call('[1'), 'messages[1].tool_calls[0].function.arguments'],
    [
      'openai-responses',
      { input: [{ type: 'function_call', call_id: 'c', name: 'f', arguments: '[1]' }] },
      'input[0].arguments',
    ],
  ])('%s: that is broken is named as the client knows it', (client, body, param) => {
    for (const target of targets) {
      expect(refusal(() => sent(client, body, target))).toMatchObject({ kind: 'invalid_request', param })
    }
  })

  test.each<WireProtocolId>([...targets, 'openai-chat'])(
    '%s: of a tool that only its provider runs goes with its output',
    (target) => {
      const input = [
        { role: 'user', content: 'hi' },
        {
          type: 'local_shell_call',
          call_id: 'c',
          status: 'completed',
          action: { type: 'exec', command: [] },
        },
        { type: 'function_call_output', call_id: 'c', output: 'x' },
        { role: 'user', content: 'so?' },
      ]
      const { body, losses } = sent('openai-responses', { input }, target)
      expect(losses).toEqual(['input[1]', 'input[2]'])
      expect(JSON.stringify(body)).not.toMatch(/"tool"|tool_result|functionResponse|toolResult/)
    },
  )
})

test('a call of a tool that only its provider runs goes back to it with its output', () => {
  const call = { type: 'local_shell_call', call_id: 'c', status: 'completed', action: { type: 'exec' } }
  const input = [call, { type: 'function_call_output', call_id: 'c', output: 'x' }]
  expect(sent('openai-responses', { input }, 'openai-responses').body.input).toEqual(input)
})

describe('reasoning of the model that went before', () => {
  const reasoning = { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'gAAA' }

  test('stays with the answer that it led to, in one message of chat completions', () => {
    const input = [
      { role: 'user', content: 'hi' },
      reasoning,
      {
        type: 'message',
        role: 'assistant',
        content: [{ type: 'output_text', text: 'ok' }],
        phase: 'commentary',
      },
      { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' },
      { type: 'function_call_output', call_id: 'c', output: 'x' },
    ]
    const { body, losses } = sent('openai-responses', { input }, 'openai-chat')
    expect(body.messages).toMatchObject([
      { role: 'user' },
      { role: 'assistant', content: 'ok', reasoning_details: [{ data: 'gAAA' }], tool_calls: [{ id: 'c' }] },
      { role: 'tool', tool_call_id: 'c' },
    ])
    expect(losses).toEqual(['input[2].phase'])
  })

  test('is left out, and not asked for, where the model does not reason', () => {
    const detail = { type: 'reasoning.encrypted', data: 'gAAA', format: 'openai-responses-v1' }
    const messages = [
      { role: 'user', content: 'hi' },
      { role: 'assistant', content: 'ok', reasoning_details: [detail] },
      { role: 'user', content: 'so?' },
    ]
    const known = sent('openai-chat', { messages }, 'openai-responses', { reasoning: 'effort' })
    expect(known.body.include).toEqual(['reasoning.encrypted_content'])
    const { body, losses } = sent('openai-chat', { messages }, 'openai-responses', { reasoning: 'none' })
    expect(body.include).toBeUndefined()
    expect(JSON.stringify(body.input)).not.toContain('gAAA')
    expect(losses).toEqual(['messages[1].reasoning_details[0]'])
  })
})

test('the order of properties of a schema of Google is the one in which they are listed', () => {
  const responseSchema = {
    type: 'OBJECT',
    properties: { a: { type: 'STRING' }, b: { type: 'STRING', nullable: true } },
    propertyOrdering: ['b', 'a'],
  }
  const { settings } = decoded('gemini', {
    contents: [{ parts: [{ text: 'hi' }] }],
    generationConfig: { responseMimeType: 'application/json', responseSchema },
  })
  const { responseFormat } = settings
  const schema = responseFormat?.kind === 'json_schema' ? responseFormat.schema : {}
  expect(JSON.stringify(schema)).toBe(
    '{"type":"object","properties":{"b":{"type":["string","null"]},"a":{"type":"string"}}}',
  )
})
