import type { Part } from '../parts'
import type { WireProtocolId } from '../protocol'
import type { ChatRequest, Message } from '../request'
import { untranslatable } from '../untranslatable'
import { encodeParts } from './encode-blocks'
import { type Block, ownExtras } from './own-fields'

/** One turn in the protocol's words. */
export interface Turn {
  role: 'user' | 'assistant' | 'system'
  content: Block[]
  extras: Block
}

/** What the provider is told when a conversation has no beginning of the user's, which it demands. */
const BEGINNING: Turn = { role: 'user', content: [{ type: 'text', text: 'Begin.' }], extras: {} }
const INSTRUCTING: ReadonlySet<string> = new Set(['system', 'developer'])

/**
 * The system prompt, of the instructions in front, and the turns: neighbours of one role are one, the user begins,
 * and results stand in front of what else the user says. Instructions further down keep their place as the user's,
 * unless the client speaks this protocol and put them there itself.
 */
export function encodeMessages(
  { messages, protocol }: ChatRequest,
  losses: string[],
): { system: Block[]; turns: Turn[] } {
  const found = messages.findIndex(({ role }) => !INSTRUCTING.has(role))
  const start = found === -1 ? messages.length : found
  for (const { name, at } of messages) if (name !== undefined) losses.push(`${at}.name`)
  const system = messages.slice(0, start).flatMap((message) => encodeInstruction(message, protocol, losses))
  const turns = merged(messages.slice(start).map((message) => encodeTurn(message, protocol, losses)))
  // Instructions alone are what the user says.
  if (turns.length === 0 && system.length > 0) {
    return { system: [], turns: [{ role: 'user', content: system, extras: {} }] }
  }
  return { system, turns: turns[0]?.role === 'user' ? turns : [BEGINNING, ...turns] }
}

/**
 * Whether thinking with a budget may go on here: where the last turn of the model called tools, or is to be
 * continued, it must begin with its thinking.
 */
export function canThink(turns: readonly Turn[]): boolean {
  const last = turns.findLast(({ role }) => role === 'assistant')
  const isOpen = last !== undefined && (last === turns.at(-1) || last.content.some(isCall))
  return !isOpen || last.content.some(({ type }) => type === 'thinking' || type === 'redacted_thinking')
}

function isCall({ type }: Block): boolean {
  return type === 'tool_use'
}

function encodeInstruction({ parts, extras }: Message, client: WireProtocolId, losses: string[]): Block[] {
  refuseOthers(parts)
  losses.push(...Object.keys(ownExtras(extras, losses)).map((field) => `${extras?.at}.${field}`))
  return encodeParts(parts, losses, client)
}

function refuseOthers(parts: readonly Part[]): void {
  const other = parts.find(({ kind }) => kind !== 'text')
  if (other === undefined) return
  const { at = '', kind } = other
  throw untranslatable(at, `${at}: The target takes nothing but text as instructions, not ${kind}.`)
}

function encodeTurn({ role, parts, extras }: Message, client: WireProtocolId, losses: string[]): Turn {
  const isOwn = client === 'anthropic'
  if (INSTRUCTING.has(role)) refuseOthers(parts)
  if (role === 'assistant') refuseMedia(parts)
  const turnRole = role === 'assistant' ? role : INSTRUCTING.has(role) && isOwn ? 'system' : 'user'
  return { role: turnRole, content: encodeParts(parts, losses, client), extras: ownExtras(extras, losses) }
}

function refuseMedia(parts: readonly Part[]): void {
  const media = parts.find(({ kind }) => kind === 'image' || kind === 'file')
  if (media === undefined) return
  const { at = '', kind } = media
  throw untranslatable(at, `${at}: The target takes no ${kind} as a part of the assistant's own turns.`)
}

function merged(turns: readonly Turn[]): Turn[] {
  const all: Turn[] = []
  for (const turn of turns.filter(({ content }) => content.length > 0)) {
    const before = all.at(-1)
    if (before?.role !== turn.role) all.push(turn)
    else all.splice(-1, 1, { ...joined(before, turn) })
  }
  return all.map((turn, index) => {
    if (turn.role === 'user') return { ...turn, content: resultsFirst(turn.content) }
    return turn.role === 'assistant' && index === all.length - 1 ? withoutLastSpace(turn) : turn
  })
}

function joined(before: Turn, turn: Turn): Turn {
  return {
    role: turn.role,
    content: [...before.content, ...turn.content],
    extras: { ...before.extras, ...turn.extras },
  }
}

function resultsFirst(content: readonly Block[]): Block[] {
  const isResult = ({ type }: Block) => type === 'tool_result'
  return [...content.filter(isResult), ...content.filter((block) => !isResult(block))]
}

// The answer goes on where the last turn stops, and the provider refuses a stop at a space.
function withoutLastSpace(turn: Turn): Turn {
  const last = turn.content.at(-1)
  if (last?.type !== 'text' || typeof last.text !== 'string') return turn
  return { ...turn, content: [...turn.content.slice(0, -1), { ...last, text: last.text.trimEnd() }] }
}
