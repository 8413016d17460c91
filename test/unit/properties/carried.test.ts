import { Buffer } from 'node:buffer'
import { expect, test } from 'vitest'
import { carried, carry, holdsForeignProofs } from '../../../src/protocols/carried'
import type { ReasoningProof } from '../../../src/protocols/parts'
import { type Dice, diceOf, expectSame, listOf } from '../dice'
import { plain } from './clients'
import { FAMILIES } from './random-request'

const SEEDS = 2_000
const PIECES = [
  'a',
  'Zz9+/=',
  '"',
  '\\',
  '\n',
  '\u0000',
  'é',
  '漢',
  '😀',
  '\u2028',
  'sluice:',
  'c2x1aWNl',
  '{"',
  '__proto__',
]
const seeds = listOf(SEEDS, (seed) => seed)

test(`what is carried comes back as it was (${SEEDS} seeds)`, () => {
  for (const seed of seeds) {
    const dice = diceOf(seed)
    const proof = randomProof(dice)
    const callId = dice.chance(0.5) ? someText(dice) : undefined
    const opaque = carry(proof, callId)
    expectSame(plain(carried(opaque)), plain({ proof, callId }), () => `seed ${seed}: ${opaque}`)
    // Clients that read such fields as bytes write them again.
    expectSame(
      Buffer.from(opaque, 'base64').toString('base64'),
      opaque,
      () => `seed ${seed}: not canonical base64`,
    )
    expectSame(holdsForeignProofs(new TextEncoder().encode(`{"x":"${opaque}"}`)), true, () => `seed ${seed}`)
  }
  expect(carried(carry({ family: 'gemini', signature: 's' }))?.proof.signature).toBe('s')
})

test(`a provider's own signature is never taken for ours (${SEEDS} seeds)`, () => {
  for (const seed of seeds) {
    const dice = diceOf(seed)
    const bytes = Uint8Array.from(listOf(dice.below(120), () => dice.below(256)))
    const base64 = Buffer.from(bytes).toString('base64')
    const other = dice.pick([
      base64,
      `gAAAA${base64}`,
      someText(dice),
      base64.slice(1),
      JSON.stringify(randomProof(dice)),
    ])
    expectSame(carried(other), undefined, () => `seed ${seed}: ${other}`)
    // Ours, cut short or with another beginning, is nobody's.
    const broken = carry(randomProof(dice)).slice(dice.pick([0, 4]), -dice.pick([4, 8, 12]))
    expectSame(carried(broken), undefined, () => `seed ${seed}: ${broken}`)
  }
  expect(carried('')).toBeUndefined()
})

function randomProof(dice: Dice): ReasoningProof {
  const some = () => (dice.chance(0.6) ? someText(dice) : undefined)
  return { family: dice.pick(FAMILIES), signature: some(), encrypted: some(), id: some() }
}

/** Not empty: an empty proof is none. */
function someText(dice: Dice): string {
  return listOf(1 + dice.below(12), () => dice.pick(PIECES)).join('')
}
