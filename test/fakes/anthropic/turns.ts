import { bodyOf, type Fields, listOf, stringOf } from '../fields'
import { isProof } from '../proofs'
import type { RecordedCall } from '../recorder'
import { isThinking, isVersion2026 } from './form'
import { blocksOf } from './request'

/** What Anthropic complains of in a history. Turns of one role in a row are fine: they are one to it. */
export function turnsProblem(call: RecordedCall): string | undefined {
  const body = bodyOf(call)
  const turns = merged(listOf(body['messages']))
  if (turns.length === 0) return 'messages: at least one message is required'
  const isSystemKnown = !OLDER.test(call.model)
  for (const [index, turn] of turns.entries()) {
    if (turn.role === 'system' && !isSystemKnown) return "role 'system' is not supported on this model"
    const problem =
      turnProblem(turn, index, turns) ?? (isVersion2026(call) ? problemOf2026(turn, index) : undefined)
    if (problem !== undefined) return problem
  }
  return isThinking(body) ? missingThought(turns) : undefined
}

/** Models from before Opus 4.8, the first that took system messages in the middle of a conversation. */
const OLDER = /claude-(?:3|sonnet-4|haiku-4|opus-4-[0-7])/

interface Turn {
  role: string
  blocks: Fields[]
}

/** Neighbours of one role become one turn. */
function merged(messages: Fields[]): Turn[] {
  const turns: Turn[] = []
  for (const { role, content } of messages) {
    const last = turns.at(-1)
    if (last !== undefined && last.role === role) last.blocks.push(...blocksOf(content))
    else turns.push({ role: stringOf(role), blocks: blocksOf(content) })
  }
  return turns
}

function turnProblem({ role, blocks }: Turn, index: number, turns: Turn[]): string | undefined {
  if (role !== 'user' && role !== 'assistant' && role !== 'system') {
    return `messages.${index}.role: Input should be 'user', 'assistant' or 'system'`
  }
  if (index === 0 && role !== 'user') return 'messages: first message must use the "user" role'
  const isLast = index === turns.length - 1
  if (blocks.length === 0 && !(isLast && role === 'assistant')) {
    const rule = 'all messages must have non-empty content except for the optional final assistant message'
    return `messages.${index}: ${rule}`
  }
  for (const [nth, block] of blocks.entries()) {
    const problem = blockProblem(block)
    if (problem !== undefined) return `messages.${index}.content.${nth}${problem}`
  }
  if (isLast && role === 'assistant' && /\s$/.test(stringOf(blocks.at(-1)?.['text']))) {
    return 'messages: final assistant content cannot end with trailing whitespace'
  }
  return pairsProblem(index, turns)
}

/** What API version 2026-10-21 no longer takes in a turn. */
function problemOf2026({ role, blocks }: Turn, index: number): string | undefined {
  for (const [nth, { type, citations }] of blocks.entries()) {
    const at = `messages.${index}.content.${nth}`
    if (role === 'assistant' && type === 'document')
      return `${at}: \`document\` blocks are not permitted here`
    if (role === 'user' && type === 'text' && listOf(citations).length > 0) {
      return `${at}.text.citations: Extra inputs are not permitted`
    }
  }
  return undefined
}

/** What is wrong with one block, to be said after its place. */
function blockProblem(block: Fields): string | undefined {
  const { type } = block
  if (type === 'text' && stringOf(block['text']) === '') return ': text content blocks must be non-empty'
  if (type === 'tool_use' && !/^[a-zA-Z0-9_-]+$/.test(stringOf(block['id']))) {
    return ".tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'"
  }
  if (type === 'tool_use' && (typeof block['input'] !== 'object' || block['input'] === null)) {
    return '.tool_use.input: Input should be a valid dictionary'
  }
  if (type === 'thinking') {
    // A thought that was omitted has no text to compare.
    const text = block['thinking'] === '' ? undefined : stringOf(block['thinking'])
    const isIntact = isProof('anthropic', stringOf(block['signature']), text)
    return isIntact ? undefined : ': Invalid `signature` in `thinking` block'
  }
  if (type === 'redacted_thinking' && !isProof('redacted', stringOf(block['data']))) {
    return ': Invalid `data` in `redacted_thinking` block'
  }
  return undefined
}

/** Each use of a tool has its result at the head of the next turn, and each result its use. */
function pairsProblem(index: number, turns: Turn[]): string | undefined {
  const uses = idsIn(turns[index], 'tool_use', 'id')
  const results = idsIn(turns[index + 1], 'tool_result', 'tool_use_id')
  const open = uses.filter((id) => !results.includes(id))
  if (open.length > 0) {
    const rule = 'Each `tool_use` block must have a corresponding `tool_result` block in the next message.'
    const what = '`tool_use` ids were found without `tool_result` blocks immediately after'
    return `messages.${index}: ${what}: ${open.join(', ')}. ${rule}`
  }
  const asked = idsIn(turns[index - 1], 'tool_use', 'id')
  const blocks = turns[index]?.blocks ?? []
  const first = blocks.findIndex(({ type, tool_use_id: id }) => {
    return type === 'tool_result' && !asked.includes(stringOf(id))
  })
  if (first < 0) return undefined
  const rule = 'Each `tool_result` block must have a corresponding `tool_use` block in the previous message.'
  const id = stringOf(blocks[first]?.['tool_use_id'])
  const at = `messages.${index}.content.${first}`
  return `${at}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${id}. ${rule}`
}

/** While thinking is on, the turn whose tools were just used must begin with its thinking. */
function missingThought(turns: Turn[]): string | undefined {
  const index = turns.findLastIndex(({ role }) => role === 'assistant')
  const first = turns[index]?.blocks[0]?.['type']
  const hasUses = idsIn(turns[index], 'tool_use', 'id').length > 0
  if (!hasUses || first === 'thinking' || first === 'redacted_thinking') return undefined
  const rule =
    'When `thinking` is enabled, a final `assistant` message must start with a thinking block (preceeding the ' +
    'lastmost set of `tool_use` and `tool_result` blocks). We recommend you include thinking blocks from previous ' +
    'turns. To avoid this requirement, disable `thinking`. Please consult our documentation at ' +
    'https://docs.claude.com/en/docs/build-with-claude/extended-thinking'
  const found = `messages.${index}.content.0.type: Expected \`thinking\` or \`redacted_thinking\`, but found`
  return `${found} \`${stringOf(first)}\`. ${rule}`
}

function idsIn(turn: Turn | undefined, type: string, member: string): string[] {
  const blocks = turn?.blocks.filter((block) => block['type'] === type) ?? []
  return blocks.map((block) => stringOf(block[member]))
}
