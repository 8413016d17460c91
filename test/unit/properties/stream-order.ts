import { fieldsOf, jsonOf, listOf } from '../../../src/protocols/fields'
import type { ProtocolId } from '../../../src/protocols/protocol'

type Fields = Record<string, unknown>

/** One event of a stream, as a client's SDK reads it. */
interface StreamEvent {
  name: string | undefined
  data: string
}

/** What is wrong with a stream by its protocol's specification; nothing for a legal and complete one. */
export function violations(protocol: ProtocolId, stream: string, wantsUsage: boolean): string[] {
  const problems: string[] = []
  const check = (isRight: boolean, problem: string) => {
    if (!isRight) problems.push(problem)
  }
  CHECKERS[protocol](eventsIn(stream), check, wantsUsage)
  return problems
}

/** The events of a stream that is written strictly: each in its own lines, with an empty one behind. */
export function eventsIn(stream: string): StreamEvent[] {
  const blocks = stream.split('\n\n')
  if (blocks.pop() !== '') throw new Error('the last event is not whole')
  return blocks.map((block) => {
    const match = /^(?:event: (\S+)\n)?data: ([^\n\r]+)$/.exec(block)
    if (match === null) throw new Error(`no event: ${block}`)
    return { name: match[1], data: match[2] ?? '' }
  })
}

type Check = (isRight: boolean, problem: string) => void
type Checker = (events: readonly StreamEvent[], check: Check, wantsUsage: boolean) => void

const CHECKERS: Readonly<Record<ProtocolId, Checker>> = {
  'openai-chat': checkChat,
  'openai-responses': checkResponses,
  anthropic: checkAnthropic,
  gemini: checkGemini,
}

/** OpenAI API reference, "The chat completion chunk object". */
function checkChat(events: readonly StreamEvent[], check: Check, wantsUsage: boolean): void {
  check(events.at(-1)?.data === '[DONE]', 'it does not end with [DONE]')
  const chunks = events.slice(0, -1).map(({ data }) => fieldsOf(jsonOf(data)))
  const [first] = chunks
  const begun = new Set<unknown>()
  const finished = new Set<unknown>()
  const calls = new Map<string, number>()
  let usages = 0
  for (const [place, chunk] of chunks.entries()) {
    for (const field of ['id', 'object', 'created', 'model'])
      check(chunk[field] !== undefined && chunk[field] === first?.[field], `${field} changes`)
    const isUsage = listOf(chunk.choices).length === 0
    if (isUsage) {
      usages++
      check(
        place === chunks.length - 1 && typeof chunk.usage === 'object' && chunk.usage !== null,
        'usage not last',
      )
    } else check(wantsUsage ? chunk.usage === null : !('usage' in chunk), 'usage in a chunk of content')
    for (const choice of listOf(chunk.choices).map(fieldsOf))
      checkChatChoice(choice, { begun, finished, calls }, check)
  }
  check(wantsUsage || usages === 0, 'usage that nobody asked for')
  check(finished.size === begun.size, 'a choice without a finish')
}

function checkChatChoice(
  { index, delta, finish_reason }: Fields,
  { begun, finished, calls }: { begun: Set<unknown>; finished: Set<unknown>; calls: Map<string, number> },
  check: Check,
): void {
  const { role, tool_calls } = fieldsOf(delta)
  check(!finished.has(index), 'a delta behind the finish')
  check((role === 'assistant') === !begun.has(index), 'the role stands in the first delta only')
  begun.add(index)
  for (const call of listOf(tool_calls).map(fieldsOf)) {
    const key = `${index}/${call.index}`
    const { name, arguments: json } = fieldsOf(call.function)
    const isNew = !calls.has(key)
    const before = [...calls.keys()].filter((other) => other.startsWith(`${index}/`)).length
    if (isNew) check(call.index === before, 'calls are not counted from 0')
    check(
      (typeof call.id === 'string' && typeof name === 'string' && call.type === 'function') === isNew,
      'id and name come first only',
    )
    check(typeof json === 'string', 'arguments are no text')
    calls.set(key, 1)
  }
  if (finish_reason !== null) finished.add(index)
}

/** Messages API, "Streaming": blocks follow each other, each with a start, its own deltas, and a stop. */
function checkAnthropic(events: readonly StreamEvent[], check: Check): void {
  const DELTAS: Readonly<Record<string, readonly unknown[]>> = {
    text: ['text_delta', 'citations_delta'],
    thinking: ['thinking_delta', 'signature_delta'],
    tool_use: ['input_json_delta'],
  }
  let next = 0
  let open: { type: string; isSigned: boolean; json: string } | undefined
  checkFrame(events, check)
  for (const { name, data } of events) {
    const event = fieldsOf(JSON.parse(data))
    check(event.type === name, `type ${event.type} in ${name}`)
    if (name === 'content_block_start') {
      check(open === undefined && event.index === next, `block ${event.index} begins out of turn`)
      open = { type: String(fieldsOf(event.content_block).type), isSigned: false, json: '' }
    } else if (name === 'content_block_delta') {
      const { type, partial_json } = fieldsOf(event.delta)
      check(open !== undefined && event.index === next, `delta of block ${event.index} while ${next} is open`)
      check(DELTAS[open?.type ?? '']?.includes(type) === true, `${type} in ${open?.type}`)
      check(open?.isSigned !== true, 'a delta behind the signature')
      if (open !== undefined && type === 'signature_delta') open.isSigned = true
      if (open !== undefined && typeof partial_json === 'string') open.json += partial_json
    } else if (name === 'content_block_stop') {
      check(open !== undefined && event.index === next, `block ${event.index} ends out of turn`)
      if (open?.type === 'tool_use' && open.json !== '') check(isJson(open.json), `input ${open.json}`)
      open = undefined
      next++
    } else if (name === 'message_delta')
      check(typeof fieldsOf(event.delta).stop_reason === 'string', 'no stop_reason')
  }
  check(open === undefined, 'a block stays open')
}

function checkFrame(events: readonly StreamEvent[], check: Check): void {
  const order = events
    .map(({ name }) => name)
    .filter((name) => !name?.startsWith('content_block') && name !== 'ping')
  check(order.join() === 'message_start,message_delta,message_stop', `frame ${order}`)
  check(
    events.at(0)?.name === 'message_start' && events.at(-1)?.name === 'message_stop',
    'something stands outside',
  )
  check(events.at(-2)?.name === 'message_delta', 'content behind the message_delta')
}

/** Gemini API reference, "GenerateContentResponse": calls come whole, and a candidate finishes once. */
function checkGemini(events: readonly StreamEvent[], check: Check): void {
  const seen = new Set<unknown>()
  const finished = new Set<unknown>()
  for (const { name, data } of events) {
    const { candidates } = fieldsOf(JSON.parse(data))
    check(name === undefined, 'an event has a name')
    for (const { index, content, finishReason } of listOf(candidates).map(fieldsOf)) {
      check(!finished.has(index), 'content behind the finish')
      seen.add(index)
      check(fieldsOf(content).role === 'model', 'a content without its role')
      for (const { functionCall } of listOf(fieldsOf(content).parts).map(fieldsOf)) {
        if (functionCall === undefined) continue
        const { name: called, args } = fieldsOf(functionCall)
        check(typeof called === 'string' && typeof args === 'object', 'half a call')
      }
      if (finishReason !== undefined) finished.add(index)
    }
  }
  check(seen.size > 0 && finished.size === seen.size, 'a candidate without a finish')
}

/** OpenAI API reference, "Streaming events" of responses: items one by one, parts in them, and the sum at the end. */
function checkResponses(events: readonly StreamEvent[], check: Check): void {
  const told = events.map(({ name, data }, place) => {
    const event = fieldsOf(JSON.parse(data))
    check(event.type === name, `type ${event.type} in ${name}`)
    check(event.sequence_number === place, `number ${event.sequence_number} at ${place}`)
    return event
  })
  const types = told.map(({ type }) => String(type))
  check(types[0] === 'response.created' && types[1] === 'response.in_progress', 'another beginning')
  check(/^response\.(completed|incomplete)$/.test(types.at(-1) ?? ''), `it ends with ${types.at(-1)}`)
  const items: unknown[] = []
  let open: { id: unknown; parts: number } | undefined
  const sum = deltaSum(check)
  for (const event of told.slice(2, -1)) {
    const type = String(event.type)
    const item = fieldsOf(event.item)
    check(
      event.output_index === items.length,
      `${type} of item ${event.output_index} while ${items.length} is open`,
    )
    if (type === 'response.output_item.added') {
      check(open === undefined, 'an item begins in another')
      open = { id: item.id, parts: 0 }
    } else if (type === 'response.output_item.done') {
      check(open !== undefined && item.id === open.id && sum.isEmpty, 'an item ends out of turn')
      check(item.status !== 'in_progress', 'an item is done and in progress')
      items.push(item)
      open = undefined
    } else {
      check(open !== undefined && event.item_id === open.id, `${type} of another item`)
      if (type.endsWith('part.added'))
        check((event.content_index ?? event.summary_index) === open?.parts, 'parts are not counted')
      else if (type.endsWith('part.done') && open !== undefined) open.parts++
      else sum.add(type, event)
    }
  }
  check(open === undefined, 'an item stays open')
  const { output, status } = fieldsOf(told.at(-1)?.response)
  check(JSON.stringify(output) === JSON.stringify(items), 'the response is not the sum of its items')
  check(`response.${status}` === types.at(-1), `status ${status}`)
}

/** The deltas of what is being told, which its `done` repeats whole. */
function deltaSum(check: Check) {
  let sum: { key: string; text: string } | undefined
  return {
    get isEmpty() {
      return sum === undefined
    },
    add(type: string, event: Fields): void {
      const key = `${type.replace(/\.(delta|done)$/, '')}/${event.content_index ?? event.summary_index ?? ''}`
      if (type.endsWith('.delta')) {
        check(sum === undefined || sum.key === key, `${key} in ${sum?.key}`)
        sum = { key, text: (sum?.text ?? '') + String(event.delta) }
      } else if (type.endsWith('.done')) {
        const whole = event.text ?? event.refusal ?? event.arguments ?? event.input
        check(sum?.key === key && sum.text === whole, `${type} is not the sum of its deltas`)
        sum = undefined
      }
    },
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
