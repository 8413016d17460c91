import { isObject } from '../../../src/protocols/fields'
import type { Dice } from '../dice'

/** What stands in places where nobody expects it. */
const ODD = [
  ...['null', 'true', 'false', '0', '-1', '0.5', '1e308', '-1e308', '9007199254740993', '1000000000'],
  ...['""', '"x"', '"__proto__"', '"constructor"', '"\\u0000\\ud800"', '"data:;base64,%"', '"{"'],
  ...[
    '[]',
    '{}',
    '[[]]',
    '[null]',
    '[{}]',
    '["x",1,null]',
    '[[[[1]]]]',
    '{"type":"text"}',
    '{"type":"constructor"}',
  ],
  ...[
    '{"__proto__":{"x":1}}',
    '{"constructor":{"prototype":1},"toString":null,"hasOwnProperty":1}',
    '{"length":5}',
  ],
]
const ODD_KEYS = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'type', '', 'x']

/** The JSON of a value with one to three things wrong: lost, doubled, of another type, or under another name. */
export function damaged(value: unknown, dice: Dice): unknown {
  let whole = JSON.stringify(value)
  for (let left = 1 + dice.below(3); left > 0; left--) {
    const place = dice.below(countOf(JSON.parse(whole)))
    whole = damagedAt(JSON.parse(whole), { place, dice }) ?? 'null'
  }
  return JSON.parse(whole)
}

function countOf(value: unknown): number {
  return membersOf(value).reduce((count, [, inner]) => count + countOf(inner), 1)
}

function membersOf(value: unknown): [string, unknown][] {
  return Array.isArray(value) || isObject(value) ? Object.entries(value) : []
}

/** The text of a value whose part at a place, counted in depth, is damaged; undefined when that part is lost. */
function damagedAt(value: unknown, given: { place: number; dice: Dice }): string | undefined {
  const { dice } = given
  if (given.place-- === 0) return dice.chance(0.25) ? undefined : dice.pick(ODD)
  const isArray = Array.isArray(value)
  if (!isArray && !isObject(value)) return JSON.stringify(value)
  const members = membersOf(value).flatMap(([key, inner]) => {
    const isHere = given.place === 0
    const kind = dice.below(4)
    const text = isHere && kind < 2 ? JSON.stringify(inner) : damagedAt(inner, given)
    if (isHere && kind < 2) given.place = -1
    if (text === undefined) return []
    const name = JSON.stringify(isHere && kind === 0 ? dice.pick(ODD_KEYS) : key)
    const told = isArray ? text : `${name}:${text}`
    return isHere && kind === 1 ? [told, told] : [told]
  })
  return isArray ? `[${members}]` : `{${members}}`
}

/** Bytes with some lost, doubled or changed. */
export function damagedBytes(bytes: Uint8Array, dice: Dice): Uint8Array {
  const copy = [...bytes]
  for (let left = 1 + dice.below(4); left > 0; left--) {
    const at = dice.below(copy.length + 1)
    const kind = dice.below(4)
    if (kind === 0) copy.splice(at, 1 + dice.below(20))
    else if (kind === 1) copy.splice(at, 0, ...copy.slice(at, at + dice.below(200)))
    else if (kind === 2) copy.splice(at, 1, dice.below(256))
    else copy.length = at
  }
  return Uint8Array.from(copy)
}
