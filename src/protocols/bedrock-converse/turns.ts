import type { Message } from '../request'
import { lostExtras, untranslatable } from '../untranslatable'
import { blocksOf, type Writing } from './blocks'
import type { Block } from './media'

/** A turn of Converse, where user and assistant alternate. */
export interface Turn {
  role: 'user' | 'assistant'
  content: Block[]
}

/** The messages as Converse wants them: the instructions at the beginning apart, neighbours of one role as one turn. */
export function encodeMessages(
  messages: readonly Message[],
  writing: Writing,
): { system: Block[]; turns: Turn[] } {
  const first = messages.findIndex((message) => !isInstruction(message))
  const count = first === -1 ? messages.length : first
  const system = messages.slice(0, count).flatMap((message) => systemBlocks(message, writing))
  const turns: Turn[] = []
  for (const message of messages.slice(count)) {
    // Instructions in the middle stay in their place, as the user's words.
    const role = message.role === 'assistant' ? 'assistant' : 'user'
    const content = messageBlocks(message, writing)
    const last = turns.at(-1)
    if (last?.role === role) last.content.push(...content)
    else if (content.length > 0) turns.push({ role, content })
  }
  // Instructions alone are what the user says.
  if (turns.length === 0 && system.length > 0)
    return { system: [], turns: [{ role: 'user', content: system }] }
  const begun = turns[0]?.role === 'assistant' ? [beginning(), ...turns] : turns
  return { system, turns: withoutLooseEnd(begun.map(resultsFirst).map(withWords)) }
}

// A conversation must begin with a word of the user's.
function beginning(): Turn {
  return { role: 'user', content: [{ text: 'Begin.' }] }
}

// "If you include a ContentBlock with a document field, you must also include a ContentBlock with a text field."
function withWords({ role, content }: Turn): Turn {
  const isMute =
    role === 'user' &&
    content.some((block) => 'document' in block) &&
    !content.some((block) => 'text' in block)
  return { role, content: isMute ? [...content, { text: 'See the document.' }] : content }
}

function isInstruction({ role }: Message): boolean {
  return role === 'system' || role === 'developer'
}

function systemBlocks(message: Message, writing: Writing): Block[] {
  const wrong = message.parts.find(({ kind }) => kind !== 'text' && kind !== 'native')
  if (wrong !== undefined) {
    throw untranslatable(wrong.at ?? message.at, 'the instructions of this target are text only')
  }
  return messageBlocks(message, writing)
}

function messageBlocks(message: Message, writing: Writing): Block[] {
  const { name, extras, at, parts } = message
  if (name !== undefined) writing.losses.push(`${at}.name`)
  writing.losses.push(...lostExtras(extras, 'bedrock-converse'))
  return parts.flatMap((part) => blocksOf(part, writing))
}

// The results of tools must be what a user's turn begins with; the markers behind them move along.
function resultsFirst(turn: Turn): Turn {
  if (turn.role === 'assistant') return turn
  const isOfResult = turn.content.map((block, index, all) => {
    const marked = 'cachePoint' in block ? all[index - 1] : block
    return marked !== undefined && 'toolResult' in marked
  })
  const results = turn.content.filter((_, index) => isOfResult[index])
  const others = turn.content.filter((_, index) => !isOfResult[index])
  return { role: turn.role, content: [...results, ...others] }
}

// An answer that the model is to go on with may not end in white space.
function withoutLooseEnd(turns: Turn[]): Turn[] {
  const last = turns.at(-1)
  const block = last?.content.at(-1)
  if (last?.role !== 'assistant' || typeof block?.text !== 'string') return turns
  const content = [...last.content.slice(0, -1), { ...block, text: block.text.trimEnd() }]
  return [...turns.slice(0, -1), { role: last.role, content }]
}
