import { type Dice, listOf } from './dice'

/** Pieces that are whole inside a JSON string: plain, beyond ASCII, and every kind of escape. */
const ATOMS = [
  ...['a', 'Z', ' ', 'é', '漢', '😀', '{', '}', '[', ']', ',', ':', '/', "'", '\u2028', '\ufeff', '\u007f'],
  ...[
    '\\\\',
    '\\"',
    '\\/',
    '\\n',
    '\\t',
    '\\r',
    '\\b',
    '\\f',
    '\\u0041',
    '\\ud83d\\ude00',
    '\\u0000',
    '\\ud800',
  ],
]
const NUMBERS = [
  '0',
  '-0',
  '7',
  '-12',
  '3.25',
  '-0.5',
  '1e3',
  '1E+3',
  '2e-7',
  '-1.5E-2',
  '12345678901234567890',
]
const LITERALS = ['true', 'false', 'null']

/** How a random document may look. */
export interface JsonStyle {
  /** Spaces, tabs and both line ends wherever they may stand; none at all otherwise. */
  spaced: boolean
  /** The pieces of strings; all kinds of them when absent. */
  atoms?: readonly string[]
}

/** The text of a random JSON object whose keys are all different. */
export function randomObject(dice: Dice, style: JsonStyle, depth = 0): string {
  const count = dice.below(depth === 0 ? 9 : 4)
  const members = listOf(count, (index) => {
    const key = `"${dice.chance(0.5) ? randomText(dice, style) : 'k'}${index}"`
    return `${key}${space(dice, style)}:${space(dice, style)}${randomValue(dice, style, depth + 1)}`
  })
  return `{${joined(dice, style, members)}}`
}

/** The text of a random JSON array. */
export function randomArray(dice: Dice, style: JsonStyle, depth = 0): string {
  return `[${joined(
    dice,
    style,
    listOf(dice.below(5), () => randomValue(dice, style, depth + 1)),
  )}]`
}

/** The text of a random JSON value; nothing is nested deeper than five times. */
export function randomValue(dice: Dice, style: JsonStyle, depth = 0): string {
  const kind = depth >= 5 ? dice.below(4) : dice.below(7)
  if (kind === 0) return dice.pick(LITERALS)
  if (kind === 1) return dice.pick(NUMBERS)
  if (kind <= 3) return `"${randomText(dice, style)}"`
  return kind === 4 ? randomArray(dice, style, depth) : randomObject(dice, style, depth)
}

// Half of the longer texts have their odd pieces late, where a scan may go another way than at the beginning.
function randomText(dice: Dice, { atoms = ATOMS }: JsonStyle): string {
  if (dice.chance(0.4)) return listOf(dice.below(4), () => dice.pick(atoms)).join('')
  const prefix = dice.chance(0.5) ? 'x'.repeat(40 + dice.below(12)) : ''
  return prefix + listOf(dice.below(20), () => dice.pick(atoms)).join('')
}

function joined(dice: Dice, style: JsonStyle, parts: string[]): string {
  const [before, after] = [space(dice, style), space(dice, style)]
  return `${before}${parts.join(`${space(dice, style)},${space(dice, style)}`)}${after}`
}

function space(dice: Dice, { spaced }: JsonStyle): string {
  return spaced ? dice.pick(['', '', ' ', '\n', '\r\n', '\t', '\n    ']) : ''
}
