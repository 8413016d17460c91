const WORD = /[\p{L}\p{N}]+/gu

/** The trigrams of a text's words, each with a space before and behind it. */
export function trigramsOf(text: string): string[] {
  const words = text.toLowerCase().match(WORD) ?? []
  const all = words.flatMap((word) => {
    const padded = ` ${word} `
    return Array.from({ length: padded.length - 2 }, (_, index) => padded.slice(index, index + 3))
  })
  return [...new Set(all)]
}
