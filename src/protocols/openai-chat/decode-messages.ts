import { isObject } from '../fields'
import type { Part } from '../parts'
import type { Message, Role } from '../request'
import { invalidField } from '../untranslatable'
import { ASSISTANT_FIELDS, assistantParts, decodeCall } from './assistant'
import { decodeCache, decodeContent } from './decode-content'
import { extrasOf, missing, needObject, needText, readList, readText, wrongType } from './read-fields'

type Fields = Readonly<Record<string, unknown>>
type Reader = (message: Fields, at: string) => { role: Role; parts: Part[] }

const COMMON_FIELDS = ['role', 'content', 'name', 'cache_control'] as const
const KNOWN: Readonly<Record<string, ReadonlySet<string>>> = {
  assistant: new Set([...COMMON_FIELDS, ...ASSISTANT_FIELDS]),
  tool: new Set([...COMMON_FIELDS, 'tool_call_id']),
}
const KNOWN_ELSEWHERE: ReadonlySet<string> = new Set(COMMON_FIELDS)

/** The messages of a conversation. @throws SluiceError `invalid_request` naming the field */
export function decodeMessages(value: unknown): Message[] {
  if (value === undefined || value === null) throw missing('messages')
  const messages = readList(value, 'messages')
  if (messages.length === 0)
    throw invalidField(
      'messages',
      "Invalid 'messages': the array is empty. Give at least one message.",
      'empty_array',
    )
  const readers = readersByRole()
  return messages.map((message, index) => {
    const at = `messages[${index}]`
    return decodeMessage(needObject(message, at), { at, readers })
  })
}

function decodeMessage(
  message: Fields,
  { at, readers }: { at: string; readers: ReadonlyMap<string, Reader> },
): Message {
  const role = needText(message.role, `${at}.role`)
  const read = readers.get(role)
  if (read === undefined)
    throw invalidField(
      `${at}.role`,
      `Invalid value for '${at}.role': '${role}'. Supported values are: ${[...readers.keys()].join(', ')}.`,
    )
  const { role: canonical, parts } = read(message, at)
  // The name of a tool stands with its result.
  const name = role === 'tool' || role === 'function' ? undefined : readText(message.name, `${at}.name`)
  const extras = extrasOf(message, KNOWN[role] ?? KNOWN_ELSEWHERE, at)
  return {
    role: canonical,
    ...(name === undefined ? {} : { name }),
    parts: withCache(parts, message.cache_control),
    at,
    ...(extras === undefined ? {} : { extras }),
  }
}

// Calls of `functions` have no ids: each gets one, and the next result is its answer.
function readersByRole(): ReadonlyMap<string, Reader> {
  let functionCalls = 0
  return new Map<string, Reader>([
    ['system', (message, at) => ({ role: 'system', parts: neededContent(message, at) })],
    ['developer', (message, at) => ({ role: 'developer', parts: neededContent(message, at) })],
    ['user', (message, at) => ({ role: 'user', parts: neededContent(message, at) })],
    [
      'assistant',
      (message, at) => {
        if (isObject(message.function_call)) functionCalls++
        return {
          role: 'assistant',
          parts: readAssistant(message, { at, functionCallId: idOf(functionCalls) }),
        }
      },
    ],
    ['tool', readToolResult],
    [
      'function',
      (message, at) => {
        const name = needText(message.name, `${at}.name`)
        const parts = decodeContent(message.content, `${at}.content`)
        return {
          role: 'user',
          parts: [{ kind: 'tool_result', callId: idOf(functionCalls), name, parts, at }],
        }
      },
    ],
  ])
}

function idOf(functionCall: number): string {
  return `call_function_${functionCall}`
}

function neededContent(message: Fields, at: string): Part[] {
  if (message.content === undefined || message.content === null) throw missing(`${at}.content`)
  return decodeContent(message.content, `${at}.content`)
}

function readToolResult(message: Fields, at: string): { role: Role; parts: Part[] } {
  const callId = needText(message.tool_call_id, `${at}.tool_call_id`)
  const name = readText(message.name, `${at}.name`)
  const parts = decodeContent(message.content, `${at}.content`)
  return {
    role: 'user',
    parts: [{ kind: 'tool_result', callId, ...(name === undefined ? {} : { name }), parts, at }],
  }
}

function readAssistant(
  message: Fields,
  { at, functionCallId }: { at: string; functionCallId: string },
): Part[] {
  readText(message.refusal, `${at}.refusal`)
  const calls = readList(message.tool_calls, `${at}.tool_calls`).map((call, index) =>
    readCall(call, `${at}.tool_calls[${index}]`),
  )
  const legacy = isObject(message.function_call)
    ? [decodeCall({ function: message.function_call }, { id: functionCallId, at })]
    : []
  return assistantParts(message, {
    content: decodeContent(message.content, `${at}.content`),
    calls: [...calls, ...legacy],
    at,
  })
}

function readCall(value: unknown, at: string): Part {
  const call = needObject(value, at)
  const id = needText(call.id, `${at}.id`)
  const kind = call.type === 'custom' ? 'custom' : 'function'
  const called = needObject(call[kind], `${at}.${kind}`)
  needText(called.name, `${at}.${kind}.name`)
  const given = kind === 'custom' ? called.input : called.arguments
  // An object instead of its JSON text is taken too, as most servers do.
  if (typeof given !== 'string' && !(kind === 'function' && (isObject(given) || given === undefined)))
    throw wrongType(`${at}.${kind}.${kind === 'custom' ? 'input' : 'arguments'}`, 'a string', given)
  return decodeCall(call, { id, at })
}

function withCache(parts: readonly Part[], cacheControl: unknown): Part[] {
  const cache = decodeCache(cacheControl)
  if (cache === undefined) return [...parts]
  return parts.map((part, index) => (index === parts.length - 1 ? { ...part, cache } : part))
}
