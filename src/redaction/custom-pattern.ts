/** How many ways there are to match, times how long a match may be: what a character of a text may cost at most. */
const MOST_STEPS = 4_096
const MOST_REPEATS = 256

/** The sizes of a part of a pattern. */
interface Size {
  least: number
  most: number
  /** In how many ways it may match from one place. */
  ways: number
}

interface Reader {
  pattern: string
  at: number
}

class PatternProblem extends Error {}

/**
 * What is wrong with an operator's pattern; undefined when it may be used. Texts are other people's, so that only
 * patterns are taken whose cost has an end: each repetition has one, and there is no looking around or back.
 */
export function problemWithPattern(pattern: string): string | undefined {
  try {
    new RegExp(pattern, 'gu')
    const size = sizeOf(pattern)
    if (size.least === 0) return 'matches the empty text; it has to ask for a character at least'
    if (size.ways * size.most > MOST_STEPS)
      return `may match in too many ways (${size.ways}, of up to ${size.most} characters); make its repetitions shorter, or fixed`
    return undefined
  } catch (cause) {
    if (cause instanceof PatternProblem) return cause.message
    return `is not a regular expression: ${cause instanceof Error ? cause.message : String(cause)}`
  }
}

function sizeOf(pattern: string): Size {
  return readAlternatives({ pattern, at: 0 })
}

function readAlternatives(reader: Reader): Size {
  let all = readSequence(reader)
  while (reader.pattern[reader.at] === '|') {
    reader.at++
    const next = readSequence(reader)
    all = {
      least: Math.min(all.least, next.least),
      most: Math.max(all.most, next.most),
      ways: all.ways + next.ways,
    }
  }
  return all
}

function readSequence(reader: Reader): Size {
  const all = { least: 0, most: 0, ways: 1 }
  for (;;) {
    const character = reader.pattern[reader.at]
    if (character === undefined || character === '|' || character === ')') return all
    const part = repeated(readAtom(reader), readRepeats(reader))
    all.least += part.least
    all.most += part.most
    all.ways *= part.ways
  }
}

const ONE: Size = { least: 1, most: 1, ways: 1 }
const NOTHING: Size = { least: 0, most: 0, ways: 1 }

function readAtom(reader: Reader): Size {
  const character = reader.pattern[reader.at++] ?? ''
  switch (character) {
    case '(':
      return readGroup(reader)
    case '[':
      return readClass(reader)
    case '^':
    case '$':
      return NOTHING
    case '\\':
      return readEscape(reader)
    default:
      // The halves of a pair are one character.
      if (/[\uD800-\uDBFF]/.test(character)) reader.at++
      return ONE
  }
}

function readEscape(reader: Reader): Size {
  const escaped = reader.pattern[reader.at++] ?? ''
  if (/[bB]/.test(escaped)) return NOTHING
  if (/[1-9k]/.test(escaped)) throw new PatternProblem('refers back to a group, which is not allowed here')
  if (/[pPuxc]/.test(escaped)) {
    const rest = reader.pattern.slice(reader.at)
    reader.at += (/^(?:\{[^}]*\}|[0-9A-Fa-f]{1,4}|[A-Za-z])/.exec(rest)?.[0] ?? '').length
  }
  return ONE
}

function readGroup(reader: Reader): Size {
  const { pattern } = reader
  if (pattern.startsWith('?:', reader.at)) reader.at += 2
  else if (pattern[reader.at] === '?')
    throw new PatternProblem('looks around or names a group, which is not allowed here; plain groups are')
  const size = readAlternatives(reader)
  reader.at++
  return size
}

function readClass(reader: Reader): Size {
  const rest = reader.pattern.slice(reader.at)
  reader.at += (/^\^?(?:\\[\s\S]|[^\]\\])*\]/.exec(rest)?.[0] ?? rest).length
  return ONE
}

function readRepeats(reader: Reader): { least: number; most: number } {
  const rest = reader.pattern.slice(reader.at)
  const [whole, quantifier = '', least, comma, most] = /^(\?|\*|\+|\{(\d+)(,?)(\d*)\})\??/.exec(rest) ?? []
  if (whole === undefined) return { least: 1, most: 1 }
  reader.at += whole.length
  if (quantifier === '?') return { least: 0, most: 1 }
  if (quantifier === '*' || quantifier === '+' || (comma !== '' && most === ''))
    throw new PatternProblem(`repeats without an end at '${quantifier}'; say how often at most, as in {1,64}`)
  const atMost = Number(comma === '' ? least : most)
  if (atMost > MOST_REPEATS) throw new PatternProblem(`repeats more than ${MOST_REPEATS} times`)
  return { least: Number(least), most: atMost }
}

function repeated(part: Size, { least, most }: { least: number; most: number }): Size {
  let ways = 0
  for (let times = least; times <= most && ways <= MOST_STEPS; times++) ways += part.ways ** times
  return { least: part.least * least, most: part.most * most, ways: Math.max(1, ways) }
}
