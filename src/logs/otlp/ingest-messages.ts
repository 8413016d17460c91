import { fieldsOf, isObject, jsonOf, listOf, textOf } from '../../protocols/fields'
import type { GivenLog } from '../given-log'
import { firstOf, type Taken } from './taken'
import { valuesOf } from './values'

/** Where instrumentations put what went in and what came out when it is no conversation. */
const INPUTS = ['respan.entity.input', 'traceloop.entity.input', 'input.value', 'gen_ai.tool.call.arguments']
const OUTPUTS = ['respan.entity.output', 'traceloop.entity.output', 'output.value', 'gen_ai.tool.call.result']
/** The events of older conventions, one for each message. */
const MESSAGE_EVENT = /^gen_ai\.(system|user|assistant|tool)\.message$/

/** What went in, as the messages of a chat where it is one. */
export function messagesOf(take: Taken, events: readonly Record<string, unknown>[]): Partial<GivenLog> {
  const system = listOf(parsed(take('gen_ai.system_instructions')))
  const told = listOf(parsed(take('gen_ai.input.messages'))).map(chatMessage)
  const numbered = numberedMessages(take.below('gen_ai.prompt.'))
  const fromEvents = events.flatMap(({ name, attributes }) => {
    const role = MESSAGE_EVENT.exec(String(name))?.[1]
    return role === undefined ? [] : [{ role, ...valuesOf(attributes) }]
  })
  const messages = [told, numbered, fromEvents].find((list) => list.length > 0) ?? []
  const instructions = system.length === 0 ? [] : [{ role: 'system', content: textOfParts(system) }]
  const input = parsed(firstOf(take, [...INPUTS, 'gen_ai.prompt']))
  return {
    ...(messages.length + instructions.length === 0
      ? {}
      : { prompt_messages: [...instructions, ...messages] }),
    ...(input === undefined ? {} : { input }),
  }
}

/** What came out, likewise. */
export function completionsOf(take: Taken, events: readonly Record<string, unknown>[]): Partial<GivenLog> {
  const told = listOf(parsed(take('gen_ai.output.messages'))).map(chatMessage)
  const numbered = numberedMessages(take.below('gen_ai.completion.'))
  const fromEvents = events
    .filter(({ name }) => name === 'gen_ai.choice')
    .map(({ attributes }) => fieldsOf(parsed(valuesOf(attributes).message)))
  const [completions = []] = [told, numbered, fromEvents].filter((list) => list.length > 0)
  const output = parsed(firstOf(take, [...OUTPUTS, 'gen_ai.completion']))
  return {
    ...(completions.length === 0 ? {} : { completion_messages: completions }),
    ...(output === undefined ? {} : { output }),
  }
}

/** A message of the conventions, a role and typed parts, as one of a chat. */
function chatMessage(message: unknown): Record<string, unknown> {
  const { role, parts, ...others } = fieldsOf(message)
  if (parts === undefined) return { role, ...others }
  const all = listOf(parts).map(fieldsOf)
  const calls = all.filter(({ type }) => type === 'tool_call')
  const [answer] = all.filter(({ type }) => type === 'tool_call_response')
  if (answer !== undefined)
    return { role: 'tool', tool_call_id: answer.id, content: textFrom(answer.response ?? answer.result) }
  const reasoning = all.filter(({ type }) => type === 'reasoning').map(({ content }) => textFrom(content))
  const content = textOfParts(all)
  return {
    role: textOf(role) ?? 'user',
    content: content === '' && calls.length > 0 ? null : content,
    ...(reasoning.length === 0 ? {} : { reasoning_content: reasoning.join('') }),
    ...(calls.length === 0 ? {} : { tool_calls: calls.map(chatCall) }),
  }
}

function chatCall({ id, name, arguments: given }: Record<string, unknown>) {
  return { id, type: 'function', function: { name, arguments: textFrom(given) } }
}

function textOfParts(parts: readonly unknown[]): string {
  return parts
    .map(fieldsOf)
    .filter(({ type }) => type === 'text')
    .map(({ content }) => textFrom(content))
    .join('')
}

/** `0.role`, `0.content`, `0.tool_calls.0.name` ... as one message for each number. */
function numberedMessages(attributes: Record<string, unknown>): Record<string, unknown>[] {
  const messages = new Map<number, Record<string, unknown>>()
  for (const [name, value] of Object.entries(attributes)) {
    const [, number, field = ''] = /^(\d{1,4})\.(.+)$/.exec(name) ?? []
    if (number === undefined) continue
    const message = messages.get(Number(number)) ?? {}
    message[field] = field === 'content' ? parsedParts(value) : value
    messages.set(Number(number), message)
  }
  return [...messages].toSorted(([one], [other]) => one - other).map(([, message]) => message)
}

// A content of several parts is told as JSON, and any text may look like some.
function parsedParts(value: unknown): unknown {
  const read = typeof value === 'string' ? jsonOf(value) : undefined
  return Array.isArray(read) && read.every(isObject) ? read : value
}

function parsed(value: unknown): unknown {
  return typeof value === 'string' ? (jsonOf(value) ?? value) : value
}

function textFrom(value: unknown): string {
  if (value === undefined || value === null) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}
