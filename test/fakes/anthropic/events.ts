import type { Answer } from '../answer'
import type { JsonObject } from '../chat-request'
import type { Chunk, Told } from '../dialect'
import { proofOf } from '../proofs'
import type { StreamOptions } from '../steps'
import { answerOf } from '../told'
import { deltaUsage, endOf, envelope, isOmitted, messageUsage } from './message'

/** The events of a streamed Message, in Anthropic's order: the ping comes once the first block is open. */
export function messageEvents(told: Told, options: StreamOptions): Chunk[] {
  const answer = answerOf(told)
  const blocks = blockEvents(told, answer, options)
  const opened = blocks.flatMap((events, index) => blockOf(index, events))
  const [first, ...rest] = opened
  const ping = chunk({ type: 'ping' })
  return [
    chunk({ type: 'message_start', message: beginning(told) }),
    ...(first === undefined ? [ping] : [first, ping]),
    ...rest,
    {
      data: {
        type: 'message_delta',
        delta: { ...endOf(told, answer), container: null },
        usage: told.usage === null ? undefined : deltaUsage(told.usage),
      },
      isTerminal: true,
    },
    { data: { type: 'message_stop' }, isTerminal: true },
  ]
}

/** The message before its first block: nothing is known of its end, and its usage says what went in. */
function beginning(told: Told): JsonObject {
  const { output_tokens_details: _, ...usage } = told.usage === null ? {} : messageUsage(told.usage)
  return {
    ...envelope(told),
    stop_reason: null,
    stop_sequence: null,
    stop_details: null,
    usage: told.usage === null ? undefined : { ...usage, output_tokens: 1 },
    ...told.extraFields,
  }
}

interface Block {
  start: JsonObject
  deltas: JsonObject[]
}

function blockEvents(told: Told, answer: Answer, options: StreamOptions): Block[] {
  const { reasoning, isRedacted, refusal, content, toolCalls } = answer
  const thought = reasoning.join('')
  const said = [...refusal, ...content]
  const thinking: Block = isRedacted
    ? { start: { type: 'redacted_thinking', data: proofOf('redacted', thought) }, deltas: [] }
    : {
        start: { type: 'thinking', thinking: '', signature: '' },
        deltas: [
          ...(isOmitted(told) ? [] : reasoning).map((token) => ({ type: 'thinking_delta', thinking: token })),
          { type: 'signature_delta', signature: proofOf('anthropic', thought) },
        ],
      }
  const text: Block = {
    start: { type: 'text', text: '' },
    deltas: said.map((token) => ({ type: 'text_delta', text: token })),
  }
  const calls = toolCalls.map(({ id, name, arguments: json }) => ({
    start: { type: 'tool_use', id, name, input: {}, caller: { type: 'direct' } },
    deltas: ['', ...piecesOf(json, options)].map((partial_json) => ({
      type: 'input_json_delta',
      partial_json,
    })),
  }))
  return [...(thought === '' ? [] : [thinking]), ...(said.length === 0 ? [] : [text]), ...calls]
}

function piecesOf(json: string, { toolStyle }: StreamOptions): string[] {
  return toolStyle === 'whole' ? [json] : (json.match(/.{1,7}/gsu) ?? [])
}

function blockOf(index: number, { start, deltas }: Block): Chunk[] {
  return [
    chunk({ type: 'content_block_start', index, content_block: start }),
    ...deltas.map((delta) => ({
      ...chunk({ type: 'content_block_delta', index, delta }),
      isText: delta['type'] === 'text_delta',
    })),
    chunk({ type: 'content_block_stop', index }),
  ]
}

function chunk(data: JsonObject): Chunk {
  return { data, isTerminal: false }
}
