import type { FinishReason } from '../../../src/protocols/answer'
import { NO_USAGE, type Usage } from '../../../src/protocols/canonical'
import type { WireProtocolId } from '../../../src/protocols/protocol'
import { eventFrame, joined } from '../bedrock-converse/frames'

type Json = Readonly<Record<string, unknown>>

/** What an answer says, in whatever protocol it is told. */
export interface Says {
  text?: string
  reasoning?: string
  refusal?: string
  calls?: { id?: string; name: string; input: unknown }[]
  finish: FinishReason
  usage?: Partial<Usage>
}

/** A stream as a real provider of this protocol sends it. */
export interface RealStream {
  name: string
  upstream: WireProtocolId
  bytes: Uint8Array
  says: Says
  /** The bytes that are left when the stream breaks off behind its first content. */
  cut: Uint8Array
}

const encoder = new TextEncoder()

/** Counts that are all there. */
export function usageOf(counts: Partial<Usage> = {}): Usage {
  return { ...NO_USAGE, ...counts }
}

function stream(
  upstream: WireProtocolId,
  [name, pieces, kept, says]: readonly [string, readonly Uint8Array[], number, Says],
): RealStream {
  return { name, upstream, bytes: joined(pieces), cut: joined(pieces.slice(0, kept)), says }
}

function data(value: unknown): Uint8Array {
  return encoder.encode(`data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`)
}

function named(event: Json): Uint8Array {
  return encoder.encode(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
}

/** `kept`: how many chunks come before the stream is cut. */
type ChatCase = readonly [name: string, chunks: readonly unknown[], kept: number, says: Says]

const head = { id: 'chatcmpl-9', object: 'chat.completion.chunk', created: 1_700_000_000, model: 'm-1' }
const chunk = (delta: unknown, finish_reason: unknown = null, more: Json = {}) => ({
  ...head,
  choices: [{ index: 0, delta, logprobs: null, finish_reason }],
  ...more,
})
const call = (given: Json) => chunk({ tool_calls: [given] })
const USAGE = { prompt_tokens: 10, completion_tokens: 4, total_tokens: 14 }
const usage = usageOf({ inputTokens: 10, outputTokens: 4 })
const PARIS = { name: 'weather', input: { city: 'Paris' } }
const ROME = { name: 'weather', input: { city: 'Rome' } }

const chat: readonly ChatCase[] = [
  [
    'a first chunk about the prompt that has no choices, and filter results in chunks without a delta',
    [
      {
        choices: [],
        created: 0,
        id: '',
        model: '',
        object: '',
        prompt_filter_results: [{ prompt_index: 0, content_filter_results: { hate: { filtered: false } } }],
      },
      {
        choices: [{ index: 0, finish_reason: null, content_filter_offsets: { check_offset: 1 } }],
        created: 0,
        id: '',
        model: '',
        object: '',
      },
      chunk({ role: 'assistant', content: '', refusal: null }),
      chunk({ content: 'Hel' }),
      chunk({ content: 'lo' }),
      chunk({}, 'stop', {
        choices: [{ index: 0, delta: {}, finish_reason: 'stop', content_filter_results: {} }],
      }),
      { ...head, choices: [], usage: USAGE },
      '[DONE]',
    ],
    4,
    { text: 'Hello', finish: 'stop', usage },
  ],
  [
    'reasoning in reasoning_content with nulls beside it, the usage in the last chunk with a choice',
    [
      chunk({ role: 'assistant', content: null, reasoning_content: '' }),
      chunk({ content: null, reasoning_content: 'Hm' }),
      chunk({ content: null, reasoning_content: '.' }),
      chunk({ content: 'Yes', reasoning_content: null }),
      chunk({ content: '', reasoning_content: null }, 'stop', {
        usage: {
          ...USAGE,
          prompt_tokens_details: { cached_tokens: 6 },
          completion_tokens_details: { reasoning_tokens: 3 },
          prompt_cache_hit_tokens: 6,
          prompt_cache_miss_tokens: 4,
        },
      }),
      '[DONE]',
    ],
    3,
    {
      reasoning: 'Hm.',
      text: 'Yes',
      finish: 'stop',
      usage: usageOf({ inputTokens: 4, cacheReadTokens: 6, outputTokens: 4, reasoningTokens: 3 }),
    },
  ],
  [
    'comments, reasoning told in two fields at once, the role in every chunk and an encrypted end',
    [
      ': OPENROUTER PROCESSING',
      chunk({
        role: 'assistant',
        content: '',
        reasoning: 'Hm',
        reasoning_details: [{ type: 'reasoning.text', text: 'Hm', format: 'anthropic-claude-v1', index: 0 }],
      }),
      chunk({
        role: 'assistant',
        content: '',
        reasoning: null,
        reasoning_details: [
          { type: 'reasoning.text', signature: 'c2ln', format: 'anthropic-claude-v1', index: 0 },
        ],
      }),
      chunk({ role: 'assistant', content: 'Yes' }),
      chunk({ role: 'assistant', content: '' }, 'stop', { native_finish_reason: 'end_turn' }),
      chunk({ role: 'assistant', content: '' }, null, { usage: { ...USAGE, cost: 0.1, is_byok: false } }),
      '[DONE]',
    ],
    3,
    { reasoning: 'Hm', text: 'Yes', finish: 'stop', usage },
  ],
  [
    'the usage in an object of the server’s own, beside an empty choice list',
    [
      chunk({ role: 'assistant', content: '' }, null, { x_groq: { id: 'req_1' } }),
      chunk({ content: 'Yes' }),
      chunk({}, 'stop', { x_groq: { id: 'req_1', usage: { queue_time: 0.1, ...USAGE } } }),
      '[DONE]',
    ],
    2,
    { text: 'Yes', finish: 'stop', usage },
  ],
  [
    'a usage in every chunk, an empty finish reason until the end, and no end marker',
    [
      chunk({ role: 'assistant', content: 'Y' }, '', {
        usage: { ...USAGE, completion_tokens: 1, total_tokens: 11 },
      }),
      chunk({ content: 'es' }, '', { usage: { ...USAGE, completion_tokens: 3, total_tokens: 13 } }),
      chunk({ content: '' }, 'stop', { usage: USAGE }),
    ],
    1,
    { text: 'Yes', finish: 'stop', usage },
  ],
  [
    'the word null for no finish reason',
    [
      chunk({ role: 'assistant', content: 'Yes' }, 'null'),
      chunk({ content: '' }, 'stop', { usage: USAGE }),
      '[DONE]',
    ],
    1,
    { text: 'Yes', finish: 'stop', usage },
  ],
  [
    'finish reasons in words of its own',
    [
      chunk({ role: 'assistant', content: 'Yes' }),
      chunk({ content: '' }, 'eos_token'),
      { ...head, choices: [], usage: USAGE },
    ],
    1,
    { text: 'Yes', finish: 'stop', usage },
  ],
  [
    'reasoning beside the completion in the usage',
    [
      chunk({ role: 'assistant', reasoning_content: 'Hm' }),
      call({
        id: 'call_55117580',
        type: 'function',
        index: 0,
        function: { name: 'weather', arguments: '{"city":"Paris"}' },
      }),
      { ...head, choices: [{ index: 0, delta: {}, finish_reason: 'tool_calls' }] },
      {
        ...head,
        choices: [],
        usage: {
          prompt_tokens: 291,
          completion_tokens: 26,
          total_tokens: 513,
          prompt_tokens_details: { text_tokens: 291, audio_tokens: 0, image_tokens: 0, cached_tokens: 290 },
          completion_tokens_details: { reasoning_tokens: 196, audio_tokens: 0 },
        },
      },
      '[DONE]',
    ],
    2,
    {
      reasoning: 'Hm',
      calls: [{ id: 'call_55117580', ...PARIS }],
      finish: 'tool_calls',
      usage: usageOf({ inputTokens: 1, cacheReadTokens: 290, outputTokens: 222, reasoningTokens: 196 }),
    },
  ],
  [
    'calls whole in one delta, without numbers or ids, with their arguments as objects, and stop behind them',
    [
      chunk({
        role: 'assistant',
        content: '',
        tool_calls: [
          { type: 'function', function: { name: 'weather', arguments: { city: 'Paris' } } },
          { type: 'function', function: { name: 'weather', arguments: { city: 'Rome' } } },
        ],
      }),
      chunk({ role: 'assistant', content: '' }, 'stop', { usage: USAGE }),
      '[DONE]',
    ],
    1,
    { calls: [PARIS, ROME], finish: 'tool_calls', usage },
  ],
  [
    'ids and names that are repeated, empty or null in later pieces, and null arguments',
    [
      chunk({ role: 'assistant', content: null }),
      call({ index: 0, id: 'call_a', type: 'function', function: { name: 'weather', arguments: null } }),
      call({
        index: 0,
        id: 'call_a',
        type: 'function',
        function: { name: 'weather', arguments: '{"city":' },
      }),
      call({ index: 0, id: null, type: null, function: { name: null, arguments: '"Paris"}' } }),
      call({ index: 1, id: 'call_b', type: 'function', function: { name: 'weather', arguments: '' } }),
      call({ index: 1, id: '', function: { name: '', arguments: '{"city":"Rome"}' } }),
      chunk({}, 'function_call', { usage: USAGE }),
      '[DONE]',
    ],
    3,
    {
      calls: [
        { id: 'call_a', ...PARIS },
        { id: 'call_b', ...ROME },
      ],
      finish: 'tool_calls',
      usage,
    },
  ],
  [
    'a call without arguments',
    [
      call({ index: 0, id: 'call_a', type: 'function', function: { name: 'now', arguments: '' } }),
      chunk({}, 'tool_calls', { usage: USAGE }),
      '[DONE]',
    ],
    1,
    { calls: [{ id: 'call_a', name: 'now', input: {} }], finish: 'tool_calls', usage },
  ],
  [
    'thinking left in the text, and content in pieces of a list',
    [
      chunk({ role: 'assistant', content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'Hm' }] }] }),
      chunk({ content: '<think>a</think>' }),
      chunk({ content: [{ type: 'text', text: 'Yes' }] }),
      chunk({ content: '' }, 'length', { usage: USAGE }),
      '[DONE]',
    ],
    2,
    { reasoning: 'Hm', text: '<think>a</think>Yes', finish: 'length', usage },
  ],
  [
    'the text that stopped it, which a server tells beside the finish',
    [
      chunk({ role: 'assistant', content: 'Yes' }),
      { ...head, choices: [{ index: 0, delta: { content: '' }, finish_reason: 'stop', stop_reason: 'END' }] },
      { ...head, choices: [], usage: USAGE },
      '[DONE]',
    ],
    1,
    { text: 'Yes', finish: 'stop_sequence', usage },
  ],
  [
    'a refusal in its own field',
    [
      chunk({ role: 'assistant', content: '', refusal: null }),
      chunk({ refusal: 'I can’t ' }),
      chunk({ refusal: 'help.' }),
      chunk({}, 'stop', { usage: USAGE }),
      '[DONE]',
    ],
    2,
    { refusal: 'I can’t help.', finish: 'refusal', usage },
  ],
]

const message = (more: Json = {}) => ({
  type: 'message_start',
  message: {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-1',
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: {
      input_tokens: 10,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
      cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
      output_tokens: 1,
      service_tier: 'standard',
    },
    ...more,
  },
})
const PING = { type: 'ping' }
const STOP = { type: 'message_stop' }
const begin = (index: number, content_block: unknown) => ({
  type: 'content_block_start',
  index,
  content_block,
})
const add = (index: number, delta: unknown) => ({ type: 'content_block_delta', index, delta })
const end = (index: number) => ({ type: 'content_block_stop', index })
const ended = (stop_reason: string, more: Json = {}) => ({
  type: 'message_delta',
  delta: { stop_reason, stop_sequence: null, ...more },
  usage: { output_tokens: 4 },
})
const said = (index: number, text: string) => [
  begin(index, { type: 'text', text: '' }),
  add(index, { type: 'text_delta', text }),
  end(index),
]

const messages: readonly ChatCase[] = [
  [
    'pings anywhere, thoughts, redacted thoughts and a call whose first pieces are empty',
    [
      message(),
      PING,
      begin(0, { type: 'thinking', thinking: '', signature: '' }),
      add(0, { type: 'thinking_delta', thinking: 'Hm' }),
      PING,
      add(0, { type: 'signature_delta', signature: 'c2ln' }),
      end(0),
      begin(1, { type: 'redacted_thinking', data: 'cmVk' }),
      end(1),
      begin(2, { type: 'tool_use', id: 'toolu_1', name: 'weather', input: {} }),
      add(2, { type: 'input_json_delta', partial_json: '' }),
      add(2, { type: 'input_json_delta', partial_json: '{"city":' }),
      PING,
      add(2, { type: 'input_json_delta', partial_json: '"Paris"}' }),
      end(2),
      ended('tool_use'),
      STOP,
    ],
    12,
    { reasoning: 'Hm', calls: [{ id: 'toolu_1', ...PARIS }], finish: 'tool_calls', usage },
  ],
  [
    'a call without any delta',
    [
      message(),
      begin(0, { type: 'tool_use', id: 'toolu_1', name: 'now', input: {} }),
      end(0),
      ended('tool_use'),
      STOP,
    ],
    3,
    { calls: [{ id: 'toolu_1', name: 'now', input: {} }], finish: 'tool_calls', usage },
  ],
  [
    'a search of the provider’s own, citations, and a usage that grows',
    [
      message(),
      begin(0, { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: {} }),
      add(0, { type: 'input_json_delta', partial_json: '' }),
      add(0, { type: 'input_json_delta', partial_json: '{"query":"x"}' }),
      end(0),
      begin(1, {
        type: 'web_search_tool_result',
        tool_use_id: 'srvtoolu_1',
        content: [
          { type: 'web_search_result', title: 'T', url: 'https://a.test', encrypted_content: 'eA==' },
        ],
      }),
      end(1),
      begin(2, { citations: [], type: 'text', text: '' }),
      add(2, {
        type: 'citations_delta',
        citation: {
          type: 'web_search_result_location',
          cited_text: 'c',
          url: 'https://a.test',
          title: 'T',
          encrypted_index: 'aQ==',
        },
      }),
      add(2, { type: 'text_delta', text: 'Found' }),
      end(2),
      {
        type: 'message_delta',
        delta: { stop_reason: 'end_turn', stop_sequence: null },
        usage: {
          input_tokens: 110,
          cache_creation_input_tokens: 7,
          cache_read_input_tokens: 20,
          output_tokens: 4,
          server_tool_use: { web_search_requests: 1 },
        },
      },
      STOP,
    ],
    10,
    {
      text: 'Found',
      finish: 'stop',
      usage: usageOf({ inputTokens: 110, cacheWrite5mTokens: 7, cacheReadTokens: 20, outputTokens: 4 }),
    },
  ],
  [
    'a turn that is paused',
    [message(), ...said(0, 'Wait'), ended('pause_turn'), STOP],
    3,
    { text: 'Wait', finish: 'pause', usage },
  ],
  [
    'the window of the model full',
    [message(), ...said(0, 'Yes'), ended('model_context_window_exceeded'), STOP],
    3,
    { text: 'Yes', finish: 'context_length', usage },
  ],
  [
    'a refusal that only the end tells',
    [
      message(),
      PING,
      ended('refusal', { stop_details: { type: 'refusal', category: 'cyber', explanation: 'Blocked.' } }),
      STOP,
    ],
    2,
    { refusal: 'Blocked.', finish: 'refusal', usage },
  ],
  [
    'all of the content in its first event',
    [
      message({
        content: [
          { type: 'code_execution_tool_result', tool_use_id: 'srvtoolu_1', content: {} },
          { type: 'tool_use', id: 'toolu_1', name: 'weather', input: { city: 'Paris' } },
        ],
        stop_reason: 'tool_use',
        usage: { input_tokens: 10, output_tokens: 4 },
      }),
      STOP,
    ],
    1,
    { calls: [{ id: 'toolu_1', ...PARIS }], finish: 'tool_calls', usage },
  ],
]

const response = (status: string, more: Json = {}) => ({
  id: 'resp_1',
  object: 'response',
  created_at: 1_700_000_000,
  status,
  error: null,
  incomplete_details: null,
  model: 'gpt-1',
  output: [],
  service_tier: 'default',
  usage: null,
  ...more,
})
const RESPONSE_USAGE = {
  input_tokens: 10,
  input_tokens_details: { cached_tokens: 0 },
  output_tokens: 4,
  output_tokens_details: { reasoning_tokens: 2 },
  total_tokens: 14,
}
const responseUsage = usageOf({ inputTokens: 10, outputTokens: 4, reasoningTokens: 2 })
const created = { type: 'response.created', sequence_number: 0, response: response('in_progress') }
const completed = (more: Json = {}) => ({
  type: 'response.completed',
  sequence_number: 99,
  response: response('completed', { usage: RESPONSE_USAGE, ...more }),
})
const at = (type: string, output_index: number, more: Json) => ({
  type: `response.${type}`,
  sequence_number: 5,
  output_index,
  ...more,
})
const textItem = (index: number, text: string, annotations: readonly unknown[] = []) => {
  const item = { id: `msg_${index}`, type: 'message', role: 'assistant', phase: 'final_answer' }
  const part = { type: 'output_text', annotations, logprobs: [], text }
  const place = { item_id: item.id, content_index: 0 }
  return [
    at('output_item.added', index, { item: { ...item, status: 'in_progress', content: [] } }),
    at('content_part.added', index, { ...place, part: { ...part, text: '', annotations: [] } }),
    at('output_text.delta', index, { ...place, delta: text, logprobs: [], obfuscation: 'xyz' }),
    ...annotations.map((annotation, annotation_index) =>
      at('output_text.annotation.added', index, { ...place, annotation_index, annotation }),
    ),
    at('output_text.done', index, { ...place, text, logprobs: [] }),
    at('content_part.done', index, { ...place, part }),
    at('output_item.done', index, { item: { ...item, status: 'completed', content: [part] } }),
  ]
}
const KEEP_ALIVE = { type: 'keepalive', sequence_number: 7 }

const responses: readonly ChatCase[] = [
  [
    'a reasoning of two summaries, ids that change, and keepalives',
    [
      created,
      at('output_item.added', 0, {
        item: { id: 'rs_1', type: 'reasoning', summary: [], encrypted_content: 'Zmlyc3Q=' },
      }),
      at('reasoning_summary_part.added', 0, {
        item_id: 'rs_2',
        summary_index: 0,
        part: { type: 'summary_text', text: '' },
      }),
      at('reasoning_summary_text.delta', 0, {
        item_id: 'rs_3',
        summary_index: 0,
        delta: 'One',
        obfuscation: 'a',
      }),
      at('reasoning_summary_text.done', 0, { item_id: 'rs_3', summary_index: 0, text: 'One' }),
      at('reasoning_summary_part.done', 0, { summary_index: 0, part: { type: 'summary_text', text: 'One' } }),
      KEEP_ALIVE,
      at('reasoning_summary_part.added', 0, { summary_index: 1, part: { type: 'summary_text', text: '' } }),
      at('reasoning_summary_text.delta', 0, { summary_index: 1, delta: 'Two' }),
      at('reasoning_summary_part.done', 0, { summary_index: 1, part: { type: 'summary_text', text: 'Two' } }),
      at('output_item.done', 0, {
        item: {
          id: 'rs_1',
          type: 'reasoning',
          summary: [
            { type: 'summary_text', text: 'One' },
            { type: 'summary_text', text: 'Two' },
          ],
          encrypted_content: 'bGFzdA==',
        },
      }),
      ...textItem(1, 'Yes'),
      completed(),
    ],
    5,
    { reasoning: 'One\n\nTwo', text: 'Yes', finish: 'stop', usage: responseUsage },
  ],
  [
    'tools of the provider’s own, several messages and annotations',
    [
      created,
      at('output_item.added', 0, { item: { id: 'ws_1', type: 'web_search_call', status: 'in_progress' } }),
      at('web_search_call.searching', 0, { item_id: 'ws_1' }),
      at('output_item.done', 0, {
        item: {
          id: 'ws_1',
          type: 'web_search_call',
          status: 'completed',
          action: { type: 'search', query: 'x' },
        },
      }),
      at('output_item.added', 1, {
        item: { id: 'ci_1', type: 'code_interpreter_call', status: 'in_progress', code: '' },
      }),
      at('code_interpreter_call_code.delta', 1, { item_id: 'ci_1', delta: '1+1' }),
      at('output_item.done', 1, {
        item: { id: 'ci_1', type: 'code_interpreter_call', status: 'completed', code: '1+1', outputs: null },
      }),
      ...textItem(2, 'First. '),
      ...textItem(3, 'Second.', [
        { type: 'url_citation', start_index: 0, end_index: 6, url: 'https://a.test', title: 'T' },
      ]),
      completed(),
    ],
    9,
    { text: 'First. Second.', finish: 'stop', usage: responseUsage },
  ],
  [
    'a call with its arguments, and the output told at the end again',
    [
      created,
      at('output_item.added', 0, {
        item: {
          id: 'fc_1',
          type: 'function_call',
          status: 'in_progress',
          arguments: '',
          call_id: 'call_a',
          name: 'weather',
        },
      }),
      at('function_call_arguments.delta', 0, { item_id: 'fc_1', delta: '{"city":' }),
      at('function_call_arguments.delta', 0, { item_id: 'fc_1', delta: '"Paris"}' }),
      at('function_call_arguments.done', 0, { item_id: 'fc_1', arguments: '{"city":"Paris"}' }),
      at('output_item.done', 0, {
        item: {
          id: 'fc_1',
          type: 'function_call',
          status: 'completed',
          arguments: '{"city":"Paris"}',
          call_id: 'call_a',
          name: 'weather',
        },
      }),
      completed({
        output: [
          {
            id: 'fc_1',
            type: 'function_call',
            status: 'completed',
            arguments: '{"city":"Paris"}',
            call_id: 'call_a',
            name: 'weather',
          },
        ],
      }),
    ],
    3,
    { calls: [{ id: 'call_a', ...PARIS }], finish: 'tool_calls', usage: responseUsage },
  ],
  [
    'an answer that the limit cut',
    [
      created,
      ...textItem(0, 'Yes').slice(0, 5),
      {
        type: 'response.incomplete',
        sequence_number: 9,
        response: response('incomplete', {
          incomplete_details: { reason: 'max_output_tokens' },
          usage: RESPONSE_USAGE,
        }),
      },
    ],
    4,
    { text: 'Yes', finish: 'length', usage: responseUsage },
  ],
  [
    'an answer that a filter cut',
    [
      created,
      ...textItem(0, 'Yes'),
      {
        type: 'response.incomplete',
        sequence_number: 9,
        response: response('incomplete', {
          incomplete_details: { reason: 'content_filter' },
          usage: RESPONSE_USAGE,
        }),
      },
    ],
    4,
    { text: 'Yes', finish: 'content_filter', usage: responseUsage },
  ],
  [
    'a refusal',
    [
      created,
      at('output_item.added', 0, {
        item: { id: 'msg_0', type: 'message', status: 'in_progress', role: 'assistant', content: [] },
      }),
      at('content_part.added', 0, { content_index: 0, part: { type: 'refusal', refusal: '' } }),
      at('refusal.delta', 0, { content_index: 0, delta: 'No.' }),
      at('refusal.done', 0, { content_index: 0, refusal: 'No.' }),
      at('content_part.done', 0, { content_index: 0, part: { type: 'refusal', refusal: 'No.' } }),
      at('output_item.done', 0, {
        item: {
          id: 'msg_0',
          type: 'message',
          role: 'assistant',
          content: [{ type: 'refusal', refusal: 'No.' }],
        },
      }),
      completed(),
    ],
    4,
    { refusal: 'No.', finish: 'refusal', usage: responseUsage },
  ],
]

const candidate = (parts: readonly unknown[], more: Json = {}) => ({
  candidates: [{ content: { parts, role: 'model' }, index: 0, ...more }],
  usageMetadata: { promptTokenCount: 10, totalTokenCount: 10 },
  modelVersion: 'gemini-1',
  responseId: 'resp-1',
})
const COUNTED = {
  usageMetadata: {
    promptTokenCount: 10,
    candidatesTokenCount: 4,
    totalTokenCount: 20,
    thoughtsTokenCount: 6,
  },
}
const geminiUsage = usageOf({ inputTokens: 10, outputTokens: 10, reasoningTokens: 6 })
const finished = (finishReason: string, more: Json = {}) => ({
  ...candidate([{ text: '' }], { finishReason, ...more }),
  ...COUNTED,
})
const GROUNDING = {
  groundingMetadata: {
    webSearchQueries: ['x'],
    groundingChunks: [{ web: { uri: 'https://a.test', title: 'T' } }],
    groundingSupports: [{ segment: { endIndex: 3, text: 'Yes' }, groundingChunkIndices: [0] }],
  },
}

const gemini: readonly ChatCase[] = [
  [
    'thoughts, and a signature on an empty text at the end',
    [
      candidate([{ text: 'Hm', thought: true }]),
      candidate([{ text: 'Yes' }]),
      {
        ...candidate([{ text: '', thoughtSignature: 'c2ln' }], { finishReason: 'STOP' }),
        ...COUNTED,
      },
    ],
    2,
    { reasoning: 'Hm', text: 'Yes', finish: 'stop', usage: geminiUsage },
  ],
  [
    'several calls in one chunk without ids, the first one signed',
    [
      candidate([
        { functionCall: { name: 'weather', args: { city: 'Paris' } }, thoughtSignature: 'c2ln' },
        { functionCall: { name: 'weather', args: { city: 'Rome' } } },
      ]),
      finished('STOP'),
    ],
    1,
    { calls: [PARIS, ROME], finish: 'tool_calls', usage: geminiUsage },
  ],
  [
    'a finish in every chunk, of which the last has no content',
    [
      candidate([{ text: 'Yes' }], { finishReason: 'STOP' }),
      { candidates: [{ finishReason: 'STOP', index: 0 }], ...COUNTED, modelVersion: 'gemini-1' },
    ],
    0,
    { text: 'Yes', finish: 'stop', usage: geminiUsage },
  ],
  [
    'a limit that the thoughts used up',
    [{ candidates: [{ content: { role: 'model' }, finishReason: 'MAX_TOKENS', index: 0 }], ...COUNTED }],
    0,
    { finish: 'length', usage: geminiUsage },
  ],
  [
    'a prompt that is refused',
    [
      {
        promptFeedback: { blockReason: 'PROHIBITED_CONTENT' },
        usageMetadata: { promptTokenCount: 9, totalTokenCount: 9 },
        modelVersion: 'gemini-1',
        responseId: 'resp-1',
      },
    ],
    0,
    { finish: 'content_filter', usage: usageOf({ inputTokens: 9 }) },
  ],
  [
    'a call that the model broke',
    [
      {
        candidates: [
          { content: {}, finishReason: 'MALFORMED_FUNCTION_CALL', index: 0, finishMessage: 'Malformed' },
        ],
        ...COUNTED,
      },
    ],
    0,
    { finish: 'malformed_tool_call', usage: geminiUsage },
  ],
  [
    'a search, whose sources two chunks tell, and tokens of its results',
    [
      candidate([{ text: 'Yes' }], GROUNDING),
      {
        ...candidate([{ text: '' }], { finishReason: 'STOP', ...GROUNDING }),
        usageMetadata: {
          promptTokenCount: 17,
          candidatesTokenCount: 37,
          totalTokenCount: 695,
          toolUsePromptTokenCount: 308,
          thoughtsTokenCount: 333,
        },
      },
    ],
    1,
    {
      text: 'Yes',
      finish: 'stop',
      usage: usageOf({ inputTokens: 325, outputTokens: 370, reasoningTokens: 333 }),
    },
  ],
  [
    'code that the provider ran',
    [
      candidate([{ text: 'Let me run it. ' }]),
      candidate([{ executableCode: { language: 'PYTHON', code: '1+1' } }]),
      candidate([{ codeExecutionResult: { outcome: 'OUTCOME_OK', output: '2' } }]),
      candidate([{ text: 'It is 2.' }]),
      finished('STOP'),
    ],
    3,
    { text: 'Let me run it. It is 2.', finish: 'stop', usage: geminiUsage },
  ],
]

const converse: readonly ChatCase[] = [
  [
    'thoughts, a call and counts behind the end',
    [
      ['messageStart', { role: 'assistant', p: 'abc' }],
      ['contentBlockDelta', { contentBlockIndex: 0, delta: { reasoningContent: { text: 'Hm' } }, p: 'ab' }],
      ['contentBlockDelta', { contentBlockIndex: 0, delta: { reasoningContent: { signature: 'c2ln' } } }],
      ['contentBlockStop', { contentBlockIndex: 0 }],
      [
        'contentBlockStart',
        { contentBlockIndex: 1, start: { toolUse: { toolUseId: 'tooluse_1', name: 'weather' } } },
      ],
      ['contentBlockDelta', { contentBlockIndex: 1, delta: { toolUse: { input: '' } } }],
      ['contentBlockDelta', { contentBlockIndex: 1, delta: { toolUse: { input: '{"city":"Paris"}' } } }],
      ['contentBlockStop', { contentBlockIndex: 1 }],
      ['messageStop', { stopReason: 'tool_use' }],
      [
        'metadata',
        {
          usage: {
            inputTokens: 10,
            outputTokens: 4,
            totalTokens: 44,
            cacheReadInputTokens: 30,
            cacheWriteInputTokens: 0,
          },
          metrics: { latencyMs: 5 },
        },
      ],
    ],
    7,
    {
      reasoning: 'Hm',
      calls: [{ id: 'tooluse_1', ...PARIS }],
      finish: 'tool_calls',
      usage: usageOf({ inputTokens: 10, cacheReadTokens: 30, outputTokens: 4 }),
    },
  ],
  [
    'a guardrail’s own words',
    [
      ['messageStart', { role: 'assistant' }],
      ['contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'Sorry.' } }],
      ['contentBlockStop', { contentBlockIndex: 0 }],
      ['messageStop', { stopReason: 'guardrail_intervened' }],
      [
        'metadata',
        { usage: { inputTokens: 10, outputTokens: 4, totalTokens: 14 }, metrics: { latencyMs: 5 } },
      ],
    ],
    3,
    { text: 'Sorry.', finish: 'content_filter', usage },
  ],
]

const frame = (event: unknown) =>
  Array.isArray(event) ? eventFrame(String(event[0]), event[1]) : new Uint8Array(0)

function all(
  upstream: WireProtocolId,
  cases: readonly ChatCase[],
  write: (event: never) => Uint8Array,
): RealStream[] {
  return cases.map(([name, events, kept, says]) =>
    stream(upstream, [name, events.map((event) => write(event as never)), kept, says]),
  )
}

/** Streams with what real providers do that the reference of their protocol does not tell. */
export const realStreams: readonly RealStream[] = [
  ...all('openai-chat', chat, data),
  ...all('anthropic', messages, named),
  ...all('openai-responses', responses, named),
  ...all('gemini', gemini, data),
  ...all('bedrock-converse', converse, frame),
]
