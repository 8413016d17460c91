import { describe, expect, test } from 'vitest'
import type { UpstreamError } from '../../../src/protocols/answer'
import type { WireProtocolId } from '../../../src/protocols/protocol'
import { protocols, upstreamCodecs } from '../../../src/protocols/table'
import { exceptionFrame } from '../bedrock-converse/frames'

const encoder = new TextEncoder()
const TOO_LONG = { code: 'context_length_exceeded' }

/** Bodies as they were seen in the wild: of providers, of what they run on, and of what stands before them. */
const bodies: readonly (readonly [string, WireProtocolId, number, unknown, Partial<UpstreamError>])[] = [
  [
    'OpenAI',
    'openai-chat',
    400,
    {
      error: {
        message:
          "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
        type: 'invalid_request_error',
        param: 'messages',
        code: 'context_length_exceeded',
      },
    },
    { ...TOO_LONG, param: 'messages' },
  ],
  [
    'vLLM',
    'openai-chat',
    400,
    {
      object: 'error',
      message: "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens.",
      type: 'BadRequestError',
      param: null,
      code: 400,
    },
    TOO_LONG,
  ],
  [
    'vLLM, of a prompt alone',
    'openai-chat',
    400,
    {
      error: {
        message: 'The decoder prompt (length 5951) is longer than the maximum model length of 4096.',
        code: 400,
      },
    },
    TOO_LONG,
  ],
  [
    'xAI',
    'openai-chat',
    400,
    {
      code: 'Client specified an invalid argument',
      error: "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
    },
    {
      ...TOO_LONG,
      message: "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
    },
  ],
  [
    'Mistral',
    'openai-chat',
    400,
    {
      object: 'error',
      message:
        'Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length',
      type: 'invalid_request_prompt',
      param: null,
      code: '3051',
    },
    TOO_LONG,
  ],
  [
    'Mistral, of a field',
    'openai-chat',
    422,
    {
      object: 'error',
      message: { detail: [{ type: 'missing', loc: ['body', 'model'], msg: 'Field required' }] },
      type: 'invalid_request_error',
      param: null,
      code: null,
    },
    { message: 'Field required', code: 'invalid_request_error' },
  ],
  [
    'Moonshot',
    'openai-chat',
    400,
    {
      error: {
        message: 'Invalid request: Your request exceeded model token limit: 8192',
        type: 'invalid_request_error',
      },
    },
    TOO_LONG,
  ],
  [
    'llama.cpp',
    'openai-chat',
    400,
    {
      error: {
        code: 400,
        message: 'request (9412 tokens) exceeds the available context size (8192 tokens), try increasing it',
        type: 'exceed_context_size_error',
        n_ctx: 8192,
      },
    },
    TOO_LONG,
  ],
  [
    'Groq',
    'openai-chat',
    413,
    {
      error: {
        message: 'Request too large for model `m` on tokens per minute (TPM): Limit 6000, Requested 9000',
        type: 'tokens',
        code: 'rate_limit_exceeded',
      },
    },
    { code: 'rate_limit_exceeded' },
  ],
  [
    'a rate in words that sound alike',
    'openai-chat',
    429,
    {
      error: {
        message: 'Too many tokens per day, please wait before trying again.',
        type: 'rate_limit_error',
      },
    },
    { code: 'rate_limit_error' },
  ],
  [
    'FastAPI',
    'openai-chat',
    422,
    { detail: [{ loc: ['body'], msg: 'field required', type: 'missing' }] },
    { message: 'field required' },
  ],
  [
    'Workers AI',
    'openai-chat',
    400,
    { errors: [{ message: 'AiError: bad input', code: 5006 }], success: false, result: {}, messages: [] },
    { message: 'AiError: bad input' },
  ],
  [
    'a list around it',
    'openai-chat',
    404,
    [{ error: { code: 404, message: 'models/m is not found', status: 'NOT_FOUND' } }],
    { message: 'models/m is not found', code: 'NOT_FOUND' },
  ],
  [
    'OpenRouter, of a provider behind it',
    'openai-chat',
    502,
    {
      error: { message: 'Provider returned error', code: 502, metadata: { raw: 'x', provider_name: 'P' } },
      user_id: 'u',
    },
    { message: 'Provider returned error' },
  ],
  [
    'Responses',
    'openai-responses',
    400,
    {
      error: {
        message:
          'Your input exceeds the context window of this model. Please adjust your input and try again.',
        type: 'invalid_request_error',
        param: 'input',
        code: 'context_length_exceeded',
      },
    },
    { ...TOO_LONG, param: 'input' },
  ],
  [
    'Responses, of a proxy',
    'openai-responses',
    403,
    { detail: [{ msg: 'Not allowed' }] },
    { message: 'Not allowed' },
  ],
  [
    'Anthropic',
    'anthropic',
    400,
    {
      type: 'error',
      error: { type: 'invalid_request_error', message: 'prompt is too long: 208310 tokens > 200000 maximum' },
    },
    TOO_LONG,
  ],
  [
    'Anthropic, with the output that was asked for',
    'anthropic',
    400,
    {
      type: 'error',
      error: {
        type: 'invalid_request_error',
        message: 'input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000',
      },
    },
    TOO_LONG,
  ],
  [
    'Anthropic, of too many bytes',
    'anthropic',
    413,
    { type: 'error', error: { type: 'request_too_large', message: 'Request exceeds the maximum size' } },
    TOO_LONG,
  ],
  [
    'Claude at Google',
    'anthropic',
    429,
    [{ error: { code: 429, message: 'Quota exceeded', status: 'RESOURCE_EXHAUSTED' } }],
    { message: 'Quota exceeded', code: 'RESOURCE_EXHAUSTED' },
  ],
  [
    'Claude at Azure',
    'anthropic',
    401,
    { statusCode: 401, message: 'Unauthorized.' },
    { message: 'Unauthorized.' },
  ],
  [
    'Gemini',
    'gemini',
    400,
    {
      error: {
        code: 400,
        message: 'The input token count (1196265) exceeds the maximum number of tokens allowed (1048576).',
        status: 'INVALID_ARGUMENT',
      },
    },
    TOO_LONG,
  ],
  [
    'Gemini, of a quota',
    'gemini',
    429,
    {
      error: {
        code: 429,
        message: 'You exceeded your current quota: input token count per minute',
        status: 'RESOURCE_EXHAUSTED',
        details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '14s' }],
      },
    },
    {
      code: 'RESOURCE_EXHAUSTED',
      message: 'You exceeded your current quota: input token count per minute Please retry in 14s.',
    },
  ],
  ['Bedrock', 'bedrock-converse', 400, { message: 'Input is too long for requested model.' }, TOO_LONG],
  [
    'Bedrock, of a rate',
    'bedrock-converse',
    429,
    { message: 'Too many tokens, please wait before trying again.' },
    { code: 'ThrottlingException' },
  ],
]

test.each(bodies)('%s (%s, %i)', (_, protocol, status, body, told) => {
  const error = upstreamCodecs[protocol].decodeError(status, encoder.encode(JSON.stringify(body)))
  expect(error).toMatchObject({ status, ...told })
})

describe('an error in the middle of a stream', () => {
  const sse = (data: unknown, name?: string) =>
    encoder.encode(`${name === undefined ? '' : `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`)
  const chat = (delta: unknown) => ({ id: 'c', choices: [{ index: 0, delta, finish_reason: null }] })
  const began: Record<WireProtocolId, Uint8Array> = {
    'openai-chat': sse(chat({ content: 'a' })),
    'openai-responses': sse({
      type: 'response.output_text.delta',
      output_index: 0,
      content_index: 0,
      delta: 'a',
    }),
    anthropic: sse({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'a' } }),
    gemini: sse({ candidates: [{ content: { parts: [{ text: 'a' }] } }] }),
    'bedrock-converse': new Uint8Array(0),
  }
  const message = 'Overloaded'
  const cases: readonly (readonly [string, WireProtocolId, Uint8Array, number])[] = [
    [
      'an object beside nothing else',
      'openai-chat',
      sse({ error: { message, type: 'overloaded_error' } }),
      503,
    ],
    ['a named event', 'openai-chat', sse({ error: { message, code: 429 } }, 'error'), 429],
    ['a text', 'openai-chat', sse({ error: message, error_type: 'generation' }), 500],
    [
      'an object beside a choice that ends with error',
      'openai-chat',
      sse({
        ...chat({ content: '' }),
        error: { code: 'server_error', message },
        choices: [{ index: 0, delta: { content: '' }, finish_reason: 'error' }],
      }),
      500,
    ],
    [
      'an object in a choice',
      'openai-chat',
      sse({
        id: 'c',
        choices: [{ index: 0, delta: {}, finish_reason: 'error', error: { code: 502, message } }],
      }),
      502,
    ],
    ['the shape of a server’s own', 'openai-chat', sse({ object: 'error', message, code: 400 }), 400],
    [
      'an event with flat fields',
      'openai-responses',
      sse({ type: 'error', code: 'server_error', message }, 'error'),
      500,
    ],
    [
      'an event around an error',
      'openai-responses',
      sse({
        type: 'error',
        sequence_number: 2,
        error: { type: 'insufficient_quota', code: 'insufficient_quota', message },
      }),
      429,
    ],
    [
      'a response that failed',
      'openai-responses',
      sse({
        type: 'response.failed',
        response: { id: 'r', status: 'failed', error: { code: 'rate_limit_exceeded', message }, output: [] },
      }),
      429,
    ],
    ['a body', 'openai-responses', sse({ error: { message, type: 'invalid_request_error' } }), 400],
    [
      'an event',
      'anthropic',
      sse({ type: 'error', error: { type: 'overloaded_error', message } }, 'error'),
      529,
    ],
    ['an object', 'gemini', sse({ error: { code: 503, message, status: 'UNAVAILABLE' } }), 503],
    [
      'lines without data',
      'gemini',
      encoder.encode(`{"error": {\n  "code": 429,\n  "message": "${message}"\n}}\n\n`),
      429,
    ],
    ['an exception', 'bedrock-converse', exceptionFrame('throttlingException', { message }), 429],
    [
      'an exception with the status of the model',
      'bedrock-converse',
      exceptionFrame('modelStreamErrorException', { message, originalStatusCode: 424 }),
      500,
    ],
  ]

  test.each(cases)('as %s (%s)', (_, upstream, bytes, status) => {
    const decoder = upstreamCodecs[upstream].eventDecoder()
    const events = [...decoder.feed(began[upstream]), ...decoder.feed(bytes), ...decoder.end()]
    expect(events.find(({ kind }) => kind === 'error')).toMatchObject({ error: { message, status } })
    expect(events.map(({ kind }) => kind)).not.toContain('end')
    const protocol = Object.values(protocols).find(({ speaks }) => speaks === upstream)
    const reader = protocol?.streamReader()
    reader?.feed(began[upstream])
    reader?.feed(bytes)
    reader?.end()
    if (reader !== undefined) {
      expect(reader.error).toMatchObject({ message })
      expect(reader.error?.status ?? 500).toBe(status)
      expect(reader.isComplete).toBe(false)
    }
  })
})
