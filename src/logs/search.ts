const PHRASES = /"([^"]*)"|(\S+)/g

/**
 * What somebody typed as an expression of SQLite's full-text search (FTS5): all words have to occur, a phrase in quotes as
 * it is, and a word that ends in `*` stands for all that begin so. Nothing of it is taken as an operator.
 */
export function searchExpression(typed: string): string {
  const terms = [...typed.matchAll(PHRASES)].flatMap(([, phrase, word = '']) => {
    if (phrase !== undefined) return phrase.trim() === '' ? [] : [quoted(phrase)]
    const isPrefix = word.length > 1 && word.endsWith('*')
    return isPrefix ? [`${quoted(word.slice(0, -1))}*`] : [quoted(word)]
  })
  // No words are found nowhere.
  return terms.length === 0 ? '""' : terms.join(' AND ')
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`
}
