import type { Member } from '../../platform/json-scan'
import { CHARACTERS_PER_TOKEN, tokensOfJson } from '../token-estimate'

/** Input by the size of its JSON, which is never less than its text. */
export function tokensOfFields(
  request: Uint8Array,
  members: readonly Member[],
  names: readonly string[],
): number {
  return tokensOfJson(
    request,
    members.filter(({ key }) => names.includes(key)),
  )
}

/** Of an input as these endpoints take it: a text, token numbers, which are counted as they are, or lists of either. */
export function tokensOfInput(input: unknown): number {
  if (typeof input === 'string') return Math.ceil(input.length / CHARACTERS_PER_TOKEN)
  if (Array.isArray(input)) return input.reduce<number>((sum, one) => sum + tokensOfInput(one), 0)
  return typeof input === 'number' ? 1 : 0
}
