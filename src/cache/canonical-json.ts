/** A value as text that is the same for equal values, however they were written. */
export interface CanonicalText {
  /** JSON with sorted keys, cut where each of `long` belongs. */
  text: readonly string[]
  /** Strings that are too long to be copied into the text: they enter by their hashes. */
  long: readonly string[]
  /** No integer lost digits when it was parsed; two that did may look the same here. */
  isExact: boolean
}

/** From here on a string is hashed by itself: images, files, sounds. */
const LONG_LENGTH = 16 * 1024

/** Serialises JSON: keys in order, no white space, absent members left out. */
export function canonicalText(value: unknown): CanonicalText {
  const text: string[] = []
  const long: string[] = []
  let open = ''
  let isExact = true
  const write = (one: unknown): void => {
    if (typeof one === 'string' && one.length >= LONG_LENGTH) {
      text.push(open)
      long.push(one)
      open = ''
    } else if (Array.isArray(one)) writeList(one)
    else if (typeof one === 'object' && one !== null) writeObject(Object.entries(one))
    else {
      if (typeof one === 'number' && Number.isInteger(one) && !Number.isSafeInteger(one)) isExact = false
      open += JSON.stringify(one ?? null)
    }
  }
  const writeList = (list: readonly unknown[]) => {
    open += '['
    for (const [index, one] of list.entries()) {
      if (index > 0) open += ','
      write(one)
    }
    open += ']'
  }
  const writeObject = (members: [string, unknown][]) => {
    const present = members.filter(([, value]) => value !== undefined)
    open += '{'
    for (const [index, [key, member]] of present.sort(byKey).entries()) {
      open += `${index > 0 ? ',' : ''}${JSON.stringify(key)}:`
      write(member)
    }
    open += '}'
  }
  write(value)
  return { text: [...text, open], long, isExact }
}

/** The value of JSON text, with integers that would lose digits as the text that they were written in. */
export function exactJson(text: string): unknown {
  // The third argument is that of "JSON.parse source text access" (ECMAScript proposal, shipped in V8).
  return JSON.parse(text, (...given: unknown[]) => {
    const [, value, context] = given
    const isLost = typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)
    return isLost ? { number: Object(context).source } : value
  })
}

function byKey([one]: [string, unknown], [other]: [string, unknown]): number {
  return one < other ? -1 : 1
}
