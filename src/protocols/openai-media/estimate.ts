import type { Member } from '../../platform/json-scan'

/** English text has about four characters a token; exact counts are the provider's to tell. */
const CHARACTERS_PER_TOKEN = 4

/** Input by the size of its JSON, which is never less than its text. */
export function tokensOfFields(members: readonly Member[], names: readonly string[]): number {
  const sizes = members
    .filter(({ key }) => names.includes(key))
    .map(({ valueStart, valueEnd }) => valueEnd - valueStart)
  return Math.ceil(sizes.reduce((sum, size) => sum + size, 0) / CHARACTERS_PER_TOKEN)
}

/** Of an input as these endpoints take it: a text, token numbers, which are counted as they are, or lists of either. */
export function tokensOfInput(input: unknown): number {
  if (typeof input === 'string') return Math.ceil(input.length / CHARACTERS_PER_TOKEN)
  if (Array.isArray(input)) return input.reduce<number>((sum, one) => sum + tokensOfInput(one), 0)
  return typeof input === 'number' ? 1 : 0
}
