import type { ChatReply } from '../../../src/protocols/answer'
import type { Part } from '../../../src/protocols/parts'

/** What an answer says, whatever the protocol: two tellings of one answer have the same essence. */
export function essenceOf(reply: ChatReply) {
  return {
    choices: reply.choices.map(({ parts, finish }) => ({
      text: joined(parts, 'text'),
      refusal: joined(parts, 'refusal'),
      reasoning: joined(parts, 'reasoning'),
      calls: parts.flatMap((part) =>
        part.kind === 'tool_call'
          ? [{ name: part.name, input: JSON.parse(part.argumentsJson === '' ? '{}' : part.argumentsJson) }]
          : [],
      ),
      finish,
    })),
    usage: reply.usage,
  }
}

/** The opaque proofs of an answer, in order; a round trip through any protocol brings them back byte for byte. */
export function proofsOf(parts: readonly Part[]): unknown[] {
  return parts.flatMap((part) => ('proof' in part && part.proof !== undefined ? [definedOf(part.proof)] : []))
}

function joined(parts: readonly Part[], kind: 'text' | 'refusal' | 'reasoning'): string {
  return parts.flatMap((part) => (part.kind === kind ? [part.text] : [])).join('')
}

function definedOf(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
