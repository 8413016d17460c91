import type { Part } from '../parts'
import type { Message } from '../request'
import { lostExtras } from '../untranslatable'
import type { Conversation } from './conversation'
import { encodeAssistantPart, encodeUserPart } from './encode-parts'
import { encodeResult } from './encode-result'
import { UNSIGNED_CALL } from './proof'
import { hasLevels } from './thinking'

/** A turn in Google's words. */
export interface Content {
  role: 'user' | 'model'
  parts: Record<string, unknown>[]
}

/**
 * The system prompt and the turns of a request. Neighbours of one role become one turn; system text behind the first
 * other turn becomes the user's, in its place.
 */
export function encodeMessages(conversation: Conversation): {
  systemInstruction: { parts: Record<string, unknown>[] } | undefined
  contents: Content[]
} {
  const { messages } = conversation.request
  const firstTurn = messages.findIndex(({ role }) => !isSystem(role))
  // Google answers to a turn only: of nothing but system text, the last is asked.
  const begin = firstTurn === -1 ? Math.max(0, messages.length - 1) : firstTurn
  const system = messages.slice(0, begin).flatMap((message) => partsOf(message, conversation))
  const contents: Content[] = []
  for (const message of messages.slice(begin)) {
    const role = message.role === 'assistant' ? 'model' : 'user'
    const parts = partsOf(message, conversation)
    const last = contents.at(-1)
    if (last?.role === role) last.parts.push(...parts)
    else if (parts.length > 0) contents.push({ role, parts })
  }
  return {
    systemInstruction: system.length === 0 ? undefined : { parts: system },
    contents: contents.map((content) => ordered(content, conversation)),
  }
}

function partsOf(message: Message, conversation: Conversation): Record<string, unknown>[] {
  const { losses } = conversation
  for (const loss of lostExtras(message.extras, 'gemini')) losses.add(loss)
  if (message.name !== undefined) losses.add(`${message.at}.name`)
  return message.parts.flatMap((part) => {
    for (const loss of lostExtras(part.extras, 'gemini')) losses.add(loss)
    if (part.cache !== undefined) losses.add(`${part.at ?? message.at}.cache_control`)
    return encodePart(part, message, conversation).map((encoded) => withExtras(encoded, part))
  })
}

function encodePart(part: Part, message: Message, conversation: Conversation): Record<string, unknown>[] {
  if (part.kind === 'tool_result') return encodeResult(part, part.at ?? message.at, conversation)
  const at = part.at ?? message.at
  return message.role === 'assistant'
    ? encodeAssistantPart(part, at, conversation)
    : encodeUserPart(part, at, conversation)
}

function withExtras(encoded: Record<string, unknown>, { kind, extras }: Part): Record<string, unknown> {
  // Those of a result stand inside its functionResponse, where they were put already.
  if (extras?.protocol !== 'gemini' || kind === 'tool_result') return encoded
  return { ...encoded, ...extras.fields }
}

function isSystem(role: Message['role']): boolean {
  return role === 'system' || role === 'developer'
}

// Results come first and in the order of their calls, by which models tell them apart that know no ids. Of a turn's
// calls the first must be signed: where another model made them, with what Google documents for that.
function ordered({ role, parts }: Content, { calls, target }: Conversation): Content {
  if (role === 'user') {
    const position = (part: Record<string, unknown>) => {
      const id = idOf(part)
      return id === undefined ? Number.POSITIVE_INFINITY : (calls.get(id)?.position ?? 0)
    }
    const results = parts.filter((part) => part.functionResponse !== undefined)
    const others = parts.filter((part) => part.functionResponse === undefined)
    return { role, parts: [...results.sort((a, b) => position(a) - position(b)), ...others] }
  }
  const first = parts.findIndex(({ functionCall }) => functionCall !== undefined)
  if (!hasLevels(target) || first === -1 || parts[first]?.thoughtSignature !== undefined)
    return { role, parts }
  return {
    role,
    parts: parts.map((part, index) =>
      index === first ? { ...part, thoughtSignature: UNSIGNED_CALL } : part,
    ),
  }
}

function idOf({ functionResponse }: Record<string, unknown>): string | undefined {
  if (typeof functionResponse !== 'object' || functionResponse === null || !('id' in functionResponse))
    return undefined
  return typeof functionResponse.id === 'string' ? functionResponse.id : undefined
}
