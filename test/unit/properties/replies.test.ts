import { describe, test } from 'vitest'
import type { ChatReply } from '../../../src/protocols/answer'
import { collect } from '../../../src/protocols/collect'
import type { ProtocolId } from '../../../src/protocols/protocol'
import { upstreamCodecs } from '../../../src/protocols/table'
import { unfold } from '../../../src/protocols/unfold'
import { diceOf, expectSame, listOf } from '../dice'
import { proofsOf } from '../golden/essence'
import { nextTurn } from '../golden/next-turn'
import { CLIENTS, codecOf, contextOf, plain } from './clients'
import { randomReply } from './random-reply'
import { makerOf } from './random-request'
import { sayable } from './sayable'

const SEEDS = 500
const replies = listOf(SEEDS, (seed) => [seed, randomReply(makerOf(diceOf(seed)))] as const)

describe.each(CLIENTS)('replies of %s', (protocol) => {
  test(`say what was to be said (${SEEDS} seeds)`, () => {
    for (const [seed, reply] of replies) {
      const body = plain(codecOf(protocol).encodeReply(reply, contextOf(protocol)))
      const read = upstreamCodecs[protocol].decodeReply(body)
      const about = () => `seed ${seed}: ${JSON.stringify(body)}`
      expectSame(plain(sayable(protocol, read)), plain(sayable(protocol, reply)), about)
    }
  })

  test(`bring every proof back in the next turn (${SEEDS} seeds)`, () => {
    for (const [seed, reply] of replies) {
      const body = plain(codecOf(protocol).encodeReply(reply, contextOf(protocol)))
      const address = { model: 'model-1', stream: false }
      const next = codecOf(protocol).decodeRequest(nextTurn(protocol, body), address)
      const answered = next.messages.filter(({ role }) => role === 'assistant').flatMap(({ parts }) => parts)
      const about = () => `seed ${seed}: ${JSON.stringify(body)}`
      expectSame(comparable(protocol, proofsOf(answered)), provenBy(protocol, reply), about)
    }
  })
})

test(`a reply is the sum of its events (${SEEDS} seeds)`, () => {
  for (const [seed, reply] of replies)
    expectSame(plain(collect(unfold(reply))), plain(reply), () => `seed ${seed}`)
})

function provenBy(protocol: ProtocolId, { choices: [first] }: ChatReply): string[] {
  const parts = first?.parts ?? []
  const lastSigned = parts.findLast((part) => part.kind === 'text' && part.proof !== undefined)
  // A chat completion has one text, and room for one signature.
  const told = parts.filter(
    (part) => protocol !== 'openai-chat' || part.kind !== 'text' || part === lastSigned,
  )
  return comparable(protocol, proofsOf(told))
}

// It has its reasoning, its text and its calls apart, too.
function comparable(protocol: ProtocolId, proofs: unknown[]): string[] {
  const texts = proofs.map((proof) => JSON.stringify(proof, ['encrypted', 'family', 'id', 'signature']))
  return protocol === 'openai-chat' ? texts.sort() : texts
}
