import { describe, expect, test } from 'vitest'
import { SluiceError } from '../../../src/platform/failure'
import { carry } from '../../../src/protocols/carried'
import { responsesCodec } from '../../../src/protocols/openai-responses/codec'
import { requestOf, told } from './golden'

const partsOf = (...input: unknown[]) => requestOf({ input }).messages.flatMap(({ parts }) => parts)
const user = (part: unknown) => ({ role: 'user', content: [part] })

function refusalOf(body: Record<string, unknown>) {
  try {
    responsesCodec.decodeRequest({ model: 'm', input: 'Hi', ...body })
  } catch (cause) {
    if (cause instanceof SluiceError) return cause.failure
    throw cause
  }
  return 'taken'
}

describe('a part of the input', () => {
  const at = 'input[0].content[0]'
  test.each([
    ['text', { type: 'input_text', text: 'a' }, { kind: 'text', text: 'a' }],
    [
      'a marker for the cache',
      { type: 'input_text', text: 'a', prompt_cache_breakpoint: { mode: 'explicit' } },
      { kind: 'text', text: 'a', cache: {} },
    ],
    [
      'an image by URL',
      { type: 'input_image', image_url: 'https://a.test/1.png', detail: 'low' },
      { kind: 'image', media: { kind: 'url', url: 'https://a.test/1.png' }, detail: 'low' },
    ],
    [
      'an image as data',
      { type: 'input_image', image_url: 'data:image/png;base64,AAAA', file_id: null },
      { kind: 'image', media: { kind: 'base64', base64: 'AAAA', mediaType: 'image/png' } },
    ],
    [
      'a stored image',
      { type: 'input_image', file_id: 'file-1' },
      { kind: 'image', media: { kind: 'file_id', id: 'file-1', protocol: 'openai-responses' } },
    ],
    [
      'a file',
      { type: 'input_file', filename: 'a.pdf', file_data: 'data:application/pdf;base64,AAAA' },
      {
        kind: 'file',
        media: { kind: 'base64', base64: 'AAAA', mediaType: 'application/pdf' },
        name: 'a.pdf',
      },
    ],
    [
      'a file of base64 alone',
      { type: 'input_file', filename: 'a.csv', file_data: 'AAAA' },
      { kind: 'file', media: { kind: 'base64', base64: 'AAAA', mediaType: 'text/csv' }, name: 'a.csv' },
    ],
    [
      'a file by URL',
      { type: 'input_file', file_url: 'https://a.test/a.pdf' },
      { kind: 'file', media: { kind: 'url', url: 'https://a.test/a.pdf' } },
    ],
    [
      'a sound',
      { type: 'input_audio', input_audio: { data: 'AAAA', format: 'mp3' } },
      { kind: 'audio', media: { kind: 'base64', base64: 'AAAA', mediaType: 'audio/mpeg' } },
    ],
    ['a refusal', { type: 'refusal', refusal: 'No.' }, { kind: 'refusal', text: 'No.' }],
    [
      'what tomorrow brings',
      { type: 'input_smell', smell: 'x' },
      {
        kind: 'native',
        type: 'input_smell',
        protocol: 'openai-responses',
        value: { type: 'input_smell', smell: 'x' },
      },
    ],
    [
      'a field of tomorrow',
      { type: 'input_text', text: 'a', smell: 'x' },
      { kind: 'text', text: 'a', extras: { protocol: 'openai-responses', fields: { smell: 'x' }, at } },
    ],
  ])('is %s', (_, part, expected) => {
    expect(told(partsOf(user(part)))).toEqual([{ ...expected, at }])
  })
})

describe('an item of the input', () => {
  test.each([
    [
      'a call',
      { type: 'function_call', id: 'fc_1', call_id: 'c', name: 'f', arguments: '{}', status: 'completed' },
      'assistant',
      { kind: 'tool_call', id: 'c', name: 'f', argumentsJson: '{}' },
    ],
    [
      'a call of a custom tool',
      { type: 'custom_tool_call', call_id: 'c', name: 'f', input: 'x' },
      'assistant',
      { kind: 'tool_call', id: 'c', name: 'f', argumentsJson: 'x', isCustom: true },
    ],
    [
      'a result',
      { type: 'function_call_output', call_id: 'c', output: '1' },
      'user',
      {
        kind: 'tool_result',
        callId: 'c',
        parts: [{ kind: 'text', text: '1', at: 'input[0].output' }],
      },
    ],
    [
      'a result of parts',
      { type: 'custom_tool_call_output', call_id: 'c', output: [{ type: 'input_text', text: '1' }] },
      'user',
      {
        kind: 'tool_result',
        callId: 'c',
        parts: [{ kind: 'text', text: '1', at: 'input[0].output[0]' }],
        isCustom: true,
      },
    ],
    [
      'reasoning',
      {
        type: 'reasoning',
        id: 'rs_1',
        encrypted_content: 'e',
        summary: [
          { type: 'summary_text', text: 'a' },
          { type: 'summary_text', text: 'b' },
        ],
      },
      'assistant',
      {
        kind: 'reasoning',
        text: 'a\n\nb',
        isSummary: true,
        proof: { family: 'openai', id: 'rs_1', encrypted: 'e' },
      },
    ],
    [
      "another provider's reasoning",
      {
        type: 'reasoning',
        id: 'rs_1',
        encrypted_content: carry({ family: 'anthropic', signature: 's' }),
        summary: [{ type: 'summary_text', text: 'a' }],
      },
      'assistant',
      { kind: 'reasoning', text: 'a', isSummary: true, proof: { family: 'anthropic', signature: 's' } },
    ],
    [
      'reasoning that is no summary',
      { type: 'reasoning', summary: [], content: [{ type: 'reasoning_text', text: 'a' }] },
      'assistant',
      { kind: 'reasoning', text: 'a' },
    ],
  ])('is %s', (_, item, role, part) => {
    const at = 'input[0]'
    expect(told(requestOf({ input: [item] }).messages)).toEqual([{ role, parts: [{ ...part, at }], at }])
  })

  test.each([
    ['mcp_call', 'assistant'],
    ['local_shell_call', 'assistant'],
    ['local_shell_call_output', 'user'],
    ['mcp_approval_response', 'user'],
  ])('is kept as it is when it is a %s', (type, role) => {
    const value = { type, id: 'x' }
    const part = { kind: 'native', type, protocol: 'openai-responses', value, at: 'input[0]' }
    expect(told(requestOf({ input: [value] }).messages)).toEqual([{ role, parts: [part], at: 'input[0]' }])
  })

  test('may sign the call behind it, or the text before it', () => {
    const text = { role: 'assistant', content: [{ type: 'output_text', text: 'a' }] }
    const call = { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' }
    const sign = (signature: string, callId?: string) => {
      const encrypted_content = carry({ family: 'gemini', signature }, callId)
      return { type: 'reasoning', id: 'rs_sluice_1', summary: [], encrypted_content }
    }
    expect(partsOf(text, sign('t'), sign('c', 'c'), call)).toMatchObject([
      { kind: 'text', proof: { signature: 't' } },
      { kind: 'tool_call', proof: { signature: 'c' } },
    ])
  })
})

describe('settings', () => {
  test('are read where they stand', () => {
    const { settings, names, extras } = requestOf({
      instructions: '',
      max_output_tokens: 20,
      temperature: 0,
      top_p: 0.5,
      top_logprobs: 2,
      include: ['message.output_text.logprobs', 'reasoning.encrypted_content', 'web_search_call.results'],
      text: { format: { type: 'json_schema', name: 'n', schema: { a: 1 }, strict: true }, verbosity: 'low' },
      reasoning: { effort: 'high', summary: 'auto', mode: 'pro' },
      service_tier: 'flex',
      safety_identifier: 's',
      user: 'u',
      store: false,
      metadata: { k: 'v' },
      prompt_cache_key: 'p',
      prompt_cache_retention: '24h',
      parallel_tool_calls: false,
      truncation: 'auto',
      background: false,
      stream_options: { include_obfuscation: false },
    })
    expect(settings).toEqual({
      maxOutputTokens: 20,
      temperature: 0,
      topP: 0.5,
      topLogprobs: 2,
      logprobs: true,
      responseFormat: { kind: 'json_schema', name: 'n', schema: { a: 1 }, strict: true },
      verbosity: 'low',
      reasoning: { effort: 'high', shown: 'auto', wantsEncrypted: true },
      serviceTier: 'flex',
      endUserId: 's',
      store: false,
      metadata: { k: 'v' },
      promptCacheKey: 'p',
      promptCacheRetention: '24h',
      parallelToolCalls: false,
    })
    expect(names).toMatchObject({ responseFormat: 'text.format', endUserId: 'safety_identifier' })
    expect(extras?.fields).toEqual({
      truncation: 'auto',
      'reasoning.mode': 'pro',
      include: ['web_search_call.results'],
      user: 'u',
    })
  })

  test('that are null are not set', () => {
    const request = requestOf({
      temperature: null,
      reasoning: null,
      text: { format: null },
      truncation: null,
    })
    expect([request.settings, request.extras]).toEqual([{}, undefined])
  })

  test.each([
    ['auto', { kind: 'auto' }],
    ['none', { kind: 'none' }],
    ['required', { kind: 'required' }],
    [
      { type: 'function', name: 'f' },
      { kind: 'tool', name: 'f' },
    ],
    [
      { type: 'custom', name: 'f' },
      { kind: 'tool', name: 'f' },
    ],
    [{ type: 'web_search_preview' }, { kind: 'tool', name: 'web_search' }],
    [
      { type: 'allowed_tools', mode: 'required', tools: [{ type: 'function', name: 'f' }] },
      { kind: 'allowed', mode: 'required', names: ['f'] },
    ],
  ])('choose tools by %j', (tool_choice, expected) => {
    expect(requestOf({ tool_choice }).settings.toolChoice).toEqual(expected)
  })
})

test('tools of all kinds are read', () => {
  const search = { type: 'web_search_preview', search_context_size: 'low' }
  const mcp = { type: 'mcp', server_label: 'x' }
  const tools = [
    { type: 'function', name: 'f', parameters: null, strict: true, defer_loading: true },
    { type: 'custom', name: 'c', format: { type: 'text' } },
    search,
    mcp,
  ]
  const native = { protocol: 'openai-responses' }
  expect(told(requestOf({ tools }).tools)).toEqual([
    {
      kind: 'function',
      name: 'f',
      strict: true,
      at: 'tools[0]',
      extras: { ...native, fields: { defer_loading: true }, at: 'tools[0]' },
    },
    { kind: 'custom', name: 'c', format: { type: 'text' }, at: 'tools[1]' },
    { kind: 'web_search', ...native, value: search, at: 'tools[2]' },
    { kind: 'native', type: 'mcp', ...native, value: mcp, at: 'tools[3]' },
  ])
})

describe('a wrong request', () => {
  test.each([
    [{ input: 5 }, 'input'],
    [{ input: null }, 'input'],
    [{ input: [5] }, 'input[0]'],
    [{ input: [{ content: 'a' }] }, 'input[0].role'],
    [{ input: [{ role: 'boss', content: 'a' }] }, 'input[0].role'],
    [{ input: [{ role: 'user' }] }, 'input[0].content'],
    [{ input: [user({ text: 'a' })] }, 'input[0].content[0].type'],
    [{ input: [user({ type: 'input_text' })] }, 'input[0].content[0].text'],
    [{ input: [user({ type: 'input_image' })] }, 'input[0].content[0].image_url'],
    [{ input: [user({ type: 'input_image', image_url: {} })] }, 'input[0].content[0].image_url'],
    [{ input: [user({ type: 'input_audio', input_audio: 'x' })] }, 'input[0].content[0].input_audio'],
    [{ input: [{ type: 'function_call', name: 'f', arguments: '' }] }, 'input[0].call_id'],
    [{ input: [{ type: 'function_call_output', output: '' }] }, 'input[0].call_id'],
    [{ input: [{ type: 'reasoning', summary: 'x' }] }, 'input[0].summary'],
    [{ tools: [{ type: 'function', function: { name: 'f' } }] }, 'tools[0].name'],
    [{ tools: [5] }, 'tools[0]'],
    [{ tool_choice: 'f' }, 'tool_choice'],
    [{ tool_choice: { type: 'function' } }, 'tool_choice.name'],
    [{ tool_choice: { type: 'allowed_tools' } }, 'tool_choice.tools'],
    [{ text: { format: { type: 'xml' } } }, 'text.format.type'],
    [{ reasoning: { effort: 'huge' } }, 'reasoning.effort'],
    [{ include: [5] }, 'include[0]'],
    [{ temperature: 'hot' }, 'temperature'],
  ])('%j is refused at %s', (body, param) => {
    expect(refusalOf(body)).toMatchObject({ kind: 'invalid_request', param })
  })

  test.each([
    [{ input: [{ type: 'item_reference', id: 'msg_1' }] }, 'input[0]'],
    [{ input: [{ type: 'compaction', encrypted_content: 'e' }] }, 'input[0]'],
    [{ conversation: 'conv_1' }, 'conversation'],
    [{ prompt: { id: 'pmpt_1' } }, 'prompt'],
  ])('%j cannot be asked elsewhere', (body, param) => {
    expect(refusalOf(body)).toMatchObject({ kind: 'untranslatable', param })
  })

  test('is not one that goes on from a stored answer', () => {
    expect(responsesCodec.decodeRequest({ previous_response_id: 'resp_1' }).previousResponseId).toBe('resp_1')
  })
})
