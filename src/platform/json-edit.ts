import type { Member } from './json-scan'

/** Changes to the top level of a JSON object; values are JSON text. */
export interface ObjectEdits {
  replace?: ReadonlyMap<string, string>
  remove?: ReadonlySet<string>
  insert?: ReadonlyMap<string, string>
}

const encoder = new TextEncoder()

/** The object's bytes with the edits spliced in; every other byte stays as it was. Same array when nothing changes. */
export function editObject(bytes: Uint8Array, members: readonly Member[], edits: ObjectEdits): Uint8Array {
  const pieces: Uint8Array[] = []
  let done = 0
  const splice = (from: number, to: number, text: string) => {
    pieces.push(bytes.subarray(done, from))
    if (text !== '') pieces.push(encoder.encode(text))
    done = to
  }
  const isKept = (member: Member) => edits.remove?.has(member.key) !== true
  const lastKept = members.findLastIndex(isKept)
  insertInto(bytes, lastKept !== -1, edits.insert, splice)
  for (const [index, member] of members.entries()) {
    // A removed member takes the comma after it; those behind the last kept one take the comma before them.
    if (index > lastKept) {
      splice(members[lastKept]?.valueEnd ?? member.keyStart, members.at(-1)?.valueEnd ?? done, '')
      break
    }
    const text = edits.replace?.get(member.key)
    if (!isKept(member)) splice(member.keyStart, members[index + 1]?.keyStart ?? member.valueEnd, '')
    else if (text !== undefined) splice(member.valueStart, member.valueEnd, text)
  }
  if (pieces.length === 0) return bytes
  pieces.push(bytes.subarray(done))
  return concat(pieces)
}

/** One array of all the bytes. */
export function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const [only] = pieces
  if (pieces.length === 1 && only !== undefined) return only
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}

function insertInto(
  bytes: Uint8Array,
  othersFollow: boolean,
  insert: ReadonlyMap<string, string> | undefined,
  splice: (from: number, to: number, text: string) => void,
): void {
  if (insert === undefined || insert.size === 0) return
  const text = [...insert].map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(',')
  const inside = bytes.indexOf(0x7b) + 1
  splice(inside, inside, othersFollow ? `${text},` : text)
}
