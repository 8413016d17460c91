import { isObject } from './fields'
import type { WireProtocolId } from './protocol'

/** Where a protocol keeps a conversation and its settings, so that both can be put together from two sources. */
export interface Conversation {
  /** The field of the messages. */
  turns: string
  /** The field of what is told before them, where that is no message. */
  system?: string
  /** Both texts of it, one behind the other. */
  joinSystem?(first: unknown, second: unknown): unknown
  /** Objects whose fields are settings of their own. */
  nested: readonly string[]
  /** Names of one setting, of which a request may have one only. */
  aliases: readonly (readonly string[])[]
  /** Turns in a shorter form than a list, as the elements of one: JSON text to JSON text. */
  listed?(json: string): string
}

/** By the protocols that clients speak. */
export const conversations: Readonly<Partial<Record<WireProtocolId, Conversation>>> = {
  'openai-chat': {
    turns: 'messages',
    nested: [],
    aliases: [['max_tokens', 'max_completion_tokens']],
  },
  'openai-responses': {
    turns: 'input',
    system: 'instructions',
    joinSystem: (first, second) =>
      typeof first === 'string' && typeof second === 'string' ? `${first}\n\n${second}` : second,
    nested: ['text', 'reasoning'],
    aliases: [],
    listed: (json) => `{"role":"user","content":${json}}`,
  },
  anthropic: {
    turns: 'messages',
    system: 'system',
    joinSystem: (first, second) => [...blocksOf(first), ...blocksOf(second)],
    nested: ['output_config'],
    aliases: [],
  },
  gemini: {
    turns: 'contents',
    system: 'systemInstruction',
    joinSystem: (first, second) => ({ parts: [...partsOf(first), ...partsOf(second)] }),
    nested: ['generationConfig', 'toolConfig'],
    aliases: [],
    listed: (json) => json,
  },
}

/** Whether two spellings are one field: some protocols take both camelCase and snake_case. */
export function isSameField(one: string, other: string): boolean {
  return one === other || plain(one) === plain(other)
}

function plain(name: string): string {
  return name.replaceAll('_', '').toLowerCase()
}

function blocksOf(system: unknown): unknown[] {
  return Array.isArray(system) ? system : [{ type: 'text', text: system }]
}

function partsOf(instruction: unknown): unknown[] {
  const parts = isObject(instruction) ? instruction['parts'] : instruction
  if (Array.isArray(parts)) return parts
  return [typeof parts === 'string' ? { text: parts } : parts]
}
