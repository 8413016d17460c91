import type { JsonObject } from '../chat-request'
import type { Chunk, Told } from '../dialect'
import { type Item, outputItems, partOf } from './items'
import { endOf, frame, keep } from './response'

/** The events of a streamed response, in OpenAI's order; all of them are numbered. */
export function responseStreamEvents(told: Told): Chunk[] {
  const start = { ...frame(told), ...told.extraFields }
  const whole = { ...start, ...endOf(told), ...told.extraFields }
  keep(told, whole)
  const ending = whole['status'] === 'completed' ? 'response.completed' : 'response.incomplete'
  const events = [
    { type: 'response.created', response: start },
    { type: 'response.in_progress', response: start },
    ...outputItems(told).flatMap(itemEvents),
    { type: ending, response: whole },
  ]
  return events.map((event, sequence_number): Chunk => {
    const { type, ...rest } = event
    const isText = type === 'response.output_text.delta'
    return { data: { type, sequence_number, ...rest }, isTerminal: type === ending, isText }
  })
}

type Event = JsonObject & { type: string }

function itemEvents(item: Item, output_index: number): Event[] {
  const place = { output_index, item_id: String(item.whole['id']) }
  const parts = item.parts.flatMap((part, index) => partEvents(part, index, item, place))
  return [
    { type: 'response.output_item.added', output_index, item: begun(item) },
    ...parts,
    { type: 'response.output_item.done', output_index, item: item.whole },
  ]
}

/** An item when it begins: without its text, and in progress. */
function begun({ kind, whole }: Item): JsonObject {
  const status = 'in_progress'
  if (kind === 'reasoning') return { ...whole, summary: [] }
  if (kind === 'message') return { ...whole, status, content: [] }
  return kind === 'function_call' ? { ...whole, status, arguments: '' } : { ...whole, status, input: '' }
}

interface Names {
  delta: string
  /** The member of the last event that has the whole text. */
  member: string
  /** The prefix of the events around a part, where there are any. */
  part?: string
}

const NAMES: Record<Item['parts'][number]['kind'], Names> = {
  summary: {
    delta: 'response.reasoning_summary_text',
    member: 'text',
    part: 'response.reasoning_summary_part',
  },
  text: { delta: 'response.output_text', member: 'text', part: 'response.content_part' },
  refusal: { delta: 'response.refusal', member: 'refusal', part: 'response.content_part' },
  arguments: { delta: 'response.function_call_arguments', member: 'arguments' },
  input: { delta: 'response.custom_tool_call_input', member: 'input' },
}

function partEvents(
  { kind, pieces }: Item['parts'][number],
  index: number,
  { whole }: Item,
  place: { output_index: number; item_id: string },
): Event[] {
  const names = NAMES[kind]
  const text = pieces.join('')
  const inner =
    names.part === undefined ? {} : { [kind === 'summary' ? 'summary_index' : 'content_index']: index }
  const at = { ...place, ...inner }
  const logprobs = kind === 'text' ? { logprobs: [] } : {}
  const told = kind === 'arguments' ? { name: whole['name'] } : {}
  const around = (when: 'added' | 'done', said: string): Event[] =>
    names.part === undefined ? [] : [{ type: `${names.part}.${when}`, ...at, part: partOf(kind, said) }]
  return [
    ...around('added', ''),
    ...pieces.map((delta, nth) => ({
      type: `${names.delta}.delta`,
      ...at,
      delta,
      ...logprobs,
      obfuscation: 'x8Kq2LmP'.slice(0, 1 + (nth % 8)),
    })),
    { type: `${names.delta}.done`, ...at, [names.member]: text, ...told, ...logprobs },
    ...around('done', text),
  ]
}
