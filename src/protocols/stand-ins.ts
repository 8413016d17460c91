import type { ChatEvent, ChatReply, Choice } from './answer'
import type { StandIns } from './codec'
import { fieldsOf, jsonOf } from './fields'
import type { Part } from './parts'

type ToolCall = Extract<Part, { kind: 'tool_call' }>

/**
 * A reply whose calls of stand-in tools are what they stood in for: the answer's text, or calls of custom tools; and
 * whose other calls have the names that the client gave.
 */
export function withoutStandIns(reply: ChatReply, standIns: StandIns): ChatReply {
  if (isNone(standIns)) return reply
  return { ...reply, choices: reply.choices.map((choice) => turnedBack(choice, standIns)) }
}

/** The same for the events of a stream, some at a time. */
export function standInFilter(standIns: StandIns): (events: readonly ChatEvent[]) => ChatEvent[] {
  if (isNone(standIns)) return (events) => [...events]
  const kinds = new Map<string, 'text' | 'custom'>()
  const inputs = new Map<string, string>()
  const choicesOfText = new Set<number>()
  const turn = (event: ChatEvent): ChatEvent[] => {
    if (event.kind === 'finish' && event.reason === 'tool_calls' && choicesOfText.has(event.choice))
      return [{ ...event, reason: 'stop' }]
    if (event.kind !== 'tool_call' && event.kind !== 'tool_arguments' && event.kind !== 'tool_call_end')
      return [event]
    const key = `${event.choice}/${event.call}`
    if (event.kind === 'tool_call') {
      const kind = kindOf(event.name, standIns)
      const name = clientName(event.name, standIns)
      if (kind === undefined) return [{ ...event, name }]
      kinds.set(key, kind)
      inputs.set(key, '')
      if (kind === 'custom') return [{ ...event, name, isCustom: true }]
      choicesOfText.add(event.choice)
      return []
    }
    const kind = kinds.get(key)
    if (kind === undefined) return [event]
    if (kind === 'text')
      return event.kind === 'tool_arguments' ? [{ kind: 'text', choice: event.choice, text: event.json }] : []
    if (event.kind === 'tool_arguments') {
      inputs.set(key, (inputs.get(key) ?? '') + event.json)
      return []
    }
    const json = inputOf(inputs.get(key) ?? '')
    inputs.delete(key)
    return [{ kind: 'tool_arguments', choice: event.choice, call: event.call, json }, event]
  }
  // A decoder that does not tell the end of a call tells the finish of its choice.
  const flush = (choice: number): ChatEvent[] =>
    [...inputs.keys()]
      .filter((key) => kinds.get(key) === 'custom' && key.startsWith(`${choice}/`))
      .flatMap((key) => turn({ kind: 'tool_call_end', choice, call: Number(key.split('/')[1]) }))
  return (events) =>
    events.flatMap((event) =>
      event.kind === 'finish' ? [...flush(event.choice), ...turn(event)] : turn(event),
    )
}

/** Whether nothing was emulated, so that an answer is what it looks like. */
export function isNone({ structuredOutput, customTools, renamed }: StandIns): boolean {
  return structuredOutput === undefined && customTools === undefined && renamed === undefined
}

function clientName(name: string, { renamed = {} }: StandIns): string {
  return Object.hasOwn(renamed, name) ? (renamed[name] ?? name) : name
}

function kindOf(name: string, { structuredOutput, customTools }: StandIns): 'text' | 'custom' | undefined {
  if (name === structuredOutput) return 'text'
  return customTools?.includes(name) === true ? 'custom' : undefined
}

function turnedBack(choice: Choice, standIns: StandIns): Choice {
  const parts = choice.parts.map((part) => (part.kind === 'tool_call' ? turnedCall(part, standIns) : part))
  const isText = parts.some(
    (part, index) => part.kind === 'text' && choice.parts[index]?.kind === 'tool_call',
  )
  const finish = isText && choice.finish === 'tool_calls' ? 'stop' : choice.finish
  return { ...choice, parts, finish }
}

function turnedCall(call: ToolCall, standIns: StandIns): Part {
  const kind = kindOf(call.name, standIns)
  if (kind === 'text') return { kind: 'text', text: call.argumentsJson }
  const named = { ...call, name: clientName(call.name, standIns) }
  return kind === 'custom' ? { ...named, isCustom: true, argumentsJson: inputOf(call.argumentsJson) } : named
}

function inputOf(argumentsJson: string): string {
  const { input } = fieldsOf(jsonOf(argumentsJson))
  return typeof input === 'string' ? input : argumentsJson
}
