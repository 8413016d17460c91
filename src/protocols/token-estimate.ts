/** English text has about four characters a token; exact counts are the provider's to tell. */
export const CHARACTERS_PER_TOKEN = 4

/** The tokens of a text; none for anything else. */
export function tokensOfText(text: unknown): number {
  return typeof text === 'string' ? Math.ceil(text.length / CHARACTERS_PER_TOKEN) : 0
}

/** All of them together. */
export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
