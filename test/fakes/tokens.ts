/**
 * The fake's tokens: words with the white space before them, long words in parts of 12 characters. Never
 * splits a character, so a stream sends one token per event, as OpenAI does.
 */
export function tokensOf(text: string): string[] {
  return text.match(/\s*\S{1,12}|\s+/gu) ?? []
}

/** How many tokens the fake sees in a text. */
export function countTokens(text: string): number {
  return tokensOf(text).length
}

/** An id in the provider's style, unique and the same in each run: a prefix, zeros, the numbers. */
export function fakeId(prefix: string, length: number, ...numbers: number[]): string {
  return prefix + numbers.join('x').padStart(length, '0')
}
