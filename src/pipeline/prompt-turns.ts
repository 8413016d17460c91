import { type Member, valueOf } from '../platform/json-scan'
import type { PromptMessage } from '../platform/prompt-content'
import type { MergeMode } from '../prompts/prompt-call'
import { type Conversation, isSameField } from '../protocols/conversation'
import { isObject } from '../protocols/fields'
import type { Protocol } from '../protocols/protocol'
import type { Intake } from './intake'
import { type FieldEdits, fieldOf, type Insertion } from './prompt-insertion'
import { type Turns, turnsIn } from './prompt-words'

const decoder = new TextDecoder()

/** The messages of a prompt and of a request in one conversation, by the rules of the way the prompt was called. */
export function mergedTurns(
  intake: Intake,
  given: { protocol: Protocol; conversation: Conversation; insertion: Insertion },
): { set: FieldEdits } {
  const { protocol, conversation, insertion } = given
  const { call, messages } = insertion
  const forced = forcedMessages(call.forced)
  const replaces = forced !== undefined && !call.appends
  const prompt = turnsIn(protocol, replaces ? forced : messages)
  const behind = forced === undefined || replaces ? [] : turnsIn(protocol, forced).turns
  const request = requestTurns(intake, conversation)
  const first = prompt.turns.map((turn) => JSON.stringify(turn)).join(',')
  const base = replaces ? first : combined(call.mode, first, request)
  const all = [base, ...behind.map((turn) => JSON.stringify(turn))].filter((text) => text !== '').join(',')
  const set: FieldEdits = new Map()
  if (all !== request) set.set(conversation.turns, `[${all}]`)
  return { set: new Map([...set, ...systemOf(intake, { conversation, prompt, mode: call.mode, replaces })]) }
}

function combined(mode: MergeMode, prompt: string, request: string): string {
  if (mode === 'request') return request === '' ? prompt : request
  if (mode === 'prompt') return prompt === '' ? request : prompt
  return [prompt, request].filter((text) => text !== '').join(',')
}

/** The request's own turns as the elements of a list, in the client's bytes; empty when there are none. */
function requestTurns(intake: Intake, { turns, listed }: Conversation): string {
  const member = fieldOf(intake, (key) => key === turns)
  if (member === undefined) return ''
  const json = textOf(intake.bytes, member)
  if (member.kind === 'array') return json.slice(1, -1).trim()
  return listed?.(json) ?? json
}

function systemOf(
  intake: Intake,
  given: { conversation: Conversation; prompt: Turns; mode: MergeMode; replaces: boolean },
): FieldEdits {
  const { conversation, prompt, mode, replaces } = given
  const { system: name, joinSystem } = conversation
  if (name === undefined || prompt.system === undefined) return new Map()
  const own = fieldOf(intake, (key) => isSameField(key, name))
  if (own === undefined || mode === 'prompt' || replaces)
    return new Map([[own?.key ?? name, JSON.stringify(prompt.system)]])
  if (mode === 'request' || joinSystem === undefined) return new Map()
  return new Map([[own.key, JSON.stringify(joinSystem(prompt.system, valueOf(intake.bytes, own)))]])
}

function forcedMessages(forced: Readonly<Record<string, unknown>> | undefined): PromptMessage[] | undefined {
  const messages = forced?.['messages']
  if (!Array.isArray(messages)) return undefined
  return messages.filter(isMessage)
}

function isMessage(value: unknown): value is PromptMessage {
  return isObject(value) && typeof value['role'] === 'string'
}

function textOf(bytes: Uint8Array, { valueStart, valueEnd }: Member): string {
  return decoder.decode(bytes.subarray(valueStart, valueEnd))
}
