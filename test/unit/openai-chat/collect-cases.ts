import { events, type Json } from './events'

/** The fields that all chunks of a stream share. */
export const head = { id: 'chatcmpl-1', created: 1, model: 'm', system_fingerprint: 'fp' }
const usage = { prompt_tokens: 10, completion_tokens: 4, total_tokens: 14 }

/** A stream of one choice, with its usage behind it. */
export function streamOf(...deltas: [Json, string | null][]): string {
  const chunks = deltas.map(([delta, finish]) => chunkOf(0, delta, finish))
  return events(...chunks, { ...head, object: 'chat.completion.chunk', choices: [], usage }, '[DONE]')
}

/** One chunk of a choice. */
export function chunkOf(index: number, delta: Json, finish: string | null = null): Json {
  return { ...head, object: 'chat.completion.chunk', choices: [{ index, delta, finish_reason: finish }] }
}

/** The reply that a stream of one choice adds up to. */
export function replyOf(message: { [key: string]: Json }, finish: string): Json {
  const choices = [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: finish }]
  return { ...head, object: 'chat.completion', choices, usage }
}

/** The first chunk of a text. */
export const role: [Json, null] = [{ role: 'assistant', content: '', refusal: null }, null]
const call = (index: number, more: { [key: string]: Json }): [Json, null] => [
  { tool_calls: [{ index, ...more }] },
  null,
]
/** A whole tool call. */
export const tool = (id: string, name: string, text: string) => ({
  id,
  type: 'function',
  function: { name, arguments: text },
})

/** A stream, and the reply in one piece that says the same. */
export const collectCases: [string, string, Json][] = [
  [
    'a text',
    streamOf(role, [{ content: 'Grüße' }, null], [{ content: ' 😀' }, null], [{}, 'stop']),
    replyOf({ content: 'Grüße 😀', refusal: null }, 'stop'),
  ],
  ['an empty text', streamOf(role, [{}, 'stop']), replyOf({ content: '', refusal: null }, 'stop')],
  [
    'a refusal',
    streamOf(
      [{ role: 'assistant', content: null, refusal: '' }, null],
      [{ refusal: 'N' }, null],
      [{ refusal: 'o' }, null],
      [{}, 'stop'],
    ),
    replyOf({ content: null, refusal: 'No' }, 'stop'),
  ],
  [
    'reasoning',
    streamOf(
      [{ role: 'assistant', reasoning_content: 'H' }, null],
      [{ reasoning_content: 'm', content: null }, null],
      [{ content: 'Yes' }, null],
      [{}, 'stop'],
    ),
    replyOf({ content: 'Yes', reasoning_content: 'Hm' }, 'stop'),
  ],
  [
    'lists of details',
    streamOf(
      [{ role: 'assistant', content: 'a', annotations: [{ n: 1 }] }, null],
      [{ annotations: [{ n: 2 }] }, null],
      [{}, 'stop'],
    ),
    replyOf({ content: 'a', annotations: [{ n: 1 }, { n: 2 }] }, 'stop'),
  ],
  [
    'a role in every chunk',
    streamOf(
      [{ role: 'assistant', content: 'a' }, null],
      [{ role: 'assistant', content: 'b' }, null],
      [{ role: 'assistant' }, 'length'],
    ),
    replyOf({ content: 'ab' }, 'length'),
  ],
  [
    'a role that is empty later',
    streamOf(
      [{ role: 'assistant', content: 'a' }, null],
      [{ role: '', content: 'b' }, null],
      [{ role: null }, 'length'],
    ),
    replyOf({ content: 'ab' }, 'length'),
  ],
  [
    'a tool call in pieces',
    streamOf(
      [{ role: 'assistant', content: null }, null],
      call(0, { id: 'call_1', type: 'function', function: { name: 'f', arguments: '' } }),
      call(0, { function: { arguments: '{"a"' } }),
      call(0, { function: { arguments: ':1}' } }),
      [{}, 'tool_calls'],
    ),
    replyOf({ content: null, tool_calls: [tool('call_1', 'f', '{"a":1}')] }, 'tool_calls'),
  ],
  [
    'tool calls side by side, the second first',
    streamOf(
      [{ role: 'assistant', content: null }, null],
      call(1, { id: 'call_2', type: 'function', function: { name: 'g', arguments: '{' } }),
      call(0, { id: 'call_1', type: 'function', function: { name: 'f', arguments: '[' } }),
      call(1, { function: { arguments: '}' } }),
      call(0, { function: { arguments: ']' } }),
      [{}, 'tool_calls'],
    ),
    replyOf(
      { content: null, tool_calls: [tool('call_1', 'f', '[]'), tool('call_2', 'g', '{}')] },
      'tool_calls',
    ),
  ],
  [
    'a tool call whose name comes again with each piece',
    streamOf(
      [{ role: 'assistant', content: null }, null],
      call(0, { id: 'call_1', type: 'function', function: { name: 'get_it', arguments: '{' } }),
      call(0, { id: 'call_1', type: 'function', function: { name: 'get_it', arguments: '}' } }),
      [{}, 'tool_calls'],
    ),
    replyOf({ content: null, tool_calls: [tool('call_1', 'get_it', '{}')] }, 'tool_calls'),
  ],
  [
    'a tool call whose name comes in pieces',
    streamOf(
      [{ role: 'assistant', content: null }, null],
      call(0, { id: 'call_1', type: 'function', function: { name: 'get_', arguments: '' } }),
      call(0, { function: { name: 'it', arguments: '{}' } }),
      [{}, 'tool_calls'],
    ),
    replyOf({ content: null, tool_calls: [tool('call_1', 'get_it', '{}')] }, 'tool_calls'),
  ],
  [
    'a tool call whose id and name are empty later',
    streamOf(
      [{ role: 'assistant', content: null }, null],
      call(0, { id: 'call_1', type: 'function', function: { name: 'f', arguments: '{' } }),
      call(0, { id: '', type: '', function: { name: '', arguments: '}' } }),
      call(0, { id: null, type: null, function: { name: null, arguments: null } }),
      [{}, 'tool_calls'],
    ),
    replyOf({ content: null, tool_calls: [tool('call_1', 'f', '{}')] }, 'tool_calls'),
  ],
  [
    'a function call of old',
    streamOf(
      [{ role: 'assistant', content: null, function_call: { name: 'f', arguments: '' } }, null],
      [{ function_call: { arguments: '{"a"' } }, null],
      [{ function_call: { arguments: ':1}' } }, null],
      [{}, 'function_call'],
    ),
    replyOf({ content: null, function_call: { name: 'f', arguments: '{"a":1}' } }, 'function_call'),
  ],
  [
    'speech',
    streamOf(
      [{ role: 'assistant', content: null, audio: { id: 'audio_1', transcript: 'Good' } }, null],
      [{ audio: { data: 'AAAA', transcript: ' day' } }, null],
      [{ audio: { data: 'BBBB' } }, null],
      [{ audio: { expires_at: 7 } }, null],
      [{}, 'stop'],
    ),
    replyOf(
      { content: null, audio: { id: 'audio_1', transcript: 'Good day', data: 'AAAABBBB', expires_at: 7 } },
      'stop',
    ),
  ],
]
