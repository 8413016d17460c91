import { evictDurableObject } from 'cloudflare:test'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { HOUR, NOON, newLedger, policy, requests, tokens } from './ledgers'

const granted = { kind: 'granted' }
const refused = { kind: 'refused' }

afterEach(() => vi.useRealTimers())

describe('a reservation', () => {
  test('takes of every policy, and tells what each stood at before', async () => {
    const { reserve, standing } = newLedger()
    const zero = { used: 0, reserved: 0, certain: 0, crossed: false }
    expect(await reserve()).toEqual({
      kind: 'granted',
      standings: [
        {
          ...{ policyId: 'requests', amount: 1, ...zero },
          windowStartMs: Date.parse('2096-11-21T00:00:00Z'),
          resetsAtMs: Date.parse('2096-11-22T00:00:00Z'),
        },
        { policyId: 'tokens', amount: 100, ...zero, windowStartMs: NOON, resetsAtMs: NOON + HOUR },
        { policyId: 'at-once', amount: 1, ...zero, windowStartMs: 0, resetsAtMs: null },
      ],
    })
    expect(await standing()).toEqual({ requests: '0/1', tokens: '0/100', 'at-once': '0/1' })
  })

  test('is granted up to the value itself, and refused beyond it', async () => {
    const { reserve } = newLedger()
    const policies = [tokens]
    expect(await reserve({ policies, amounts: { tokens: 999 } })).toMatchObject(granted)
    expect(await reserve({ policies, amounts: { tokens: 2 } })).toMatchObject({
      ...refused,
      policyId: 'tokens',
      standings: [{ used: 0, reserved: 999, amount: 2, resetsAtMs: NOON + HOUR }],
    })
    expect(await reserve({ policies, amounts: { tokens: 1 } })).toMatchObject(granted)
  })

  test('takes of none when one refuses', async () => {
    const { reserve, standing } = newLedger()
    await reserve({ amounts: { tokens: 950 } })
    expect(await reserve()).toMatchObject({ ...refused, policyId: 'tokens' })
    expect(await standing()).toEqual({ requests: '0/1', tokens: '0/950', 'at-once': '0/1' })
  })

  test('that several policies refuse is refused by the one that starts anew last', async () => {
    const { reserve } = newLedger()
    const policies = (['total', 'minute', 'day'] as const).map((window) =>
      policy(window, { window, value: 0 }),
    )
    expect(await reserve({ policies: policies.slice(1) })).toMatchObject({ policyId: 'day' })
    expect(await reserve({ policies })).toMatchObject({ policyId: 'total' })
    expect(
      await reserve({ policies: [policy('at-once', { metric: 'concurrency', value: 0 }), ...policies] }),
    ).toMatchObject({ policyId: 'total' })
  })

  test('counts once when it is asked for twice, and says the same, also when it would now be refused', async () => {
    const { reserve, standing } = newLedger()
    const call = { holdId: 'the-same', amounts: { tokens: 600 } }
    const first = await reserve(call)
    expect(first).toMatchObject(granted)
    expect(await reserve(call)).toEqual(first)
    expect(await standing()).toEqual({ requests: '0/1', tokens: '0/600', 'at-once': '0/1' })
  })

  test('is never refused by a policy that only warns, which counts on', async () => {
    const { reserve, standing } = newLedger()
    const policies = [policy('warns', { value: 1, action: 'warn' })]
    for (let count = 0; count < 3; count++) expect(await reserve({ policies })).toMatchObject(granted)
    expect(await standing(NOON, policies)).toEqual({ warns: '0/3' })
  })

  test('is always refused by a value of nothing, but for one that takes nothing', async () => {
    const { reserve } = newLedger()
    const policies = [policy('shut', { metric: 'cost', value: 0 })]
    expect(await reserve({ policies, amounts: { cost: 1 } })).toMatchObject(refused)
    expect(await reserve({ policies, amounts: { cost: 0 } })).toMatchObject(granted)
  })

  test('follows the value of today: a limit may be raised and lowered at any time', async () => {
    const { reserve } = newLedger()
    const kindAt = async (value: number) => (await reserve({ policies: [{ ...requests, value }] })).kind
    expect([await kindAt(1), await kindAt(1), await kindAt(2), await kindAt(1), await kindAt(3)]).toEqual([
      'granted',
      'refused',
      'granted',
      'refused',
      'granted',
    ])
  })

  test('of many at a time is granted as often as there is room', async () => {
    const { reserve, standing } = newLedger()
    const replies = await Promise.all(Array.from({ length: 40 }, () => reserve({ policies: [requests] })))
    expect(replies.filter(({ kind }) => kind === 'granted')).toHaveLength(10)
    expect(await standing(NOON, [requests])).toEqual({ requests: '0/10' })
  })

  test('of other policies does not count here', async () => {
    const { reserve, standing } = newLedger()
    await reserve({ policies: [requests] })
    expect(await standing(NOON, [tokens, policy('other')])).toEqual({ tokens: '0/0', other: '0/0' })
  })

  test('counts anew when the policy means something else, and goes on when it means the same again', async () => {
    const { reserve, standing } = newLedger()
    await reserve({ policies: [requests] })
    const others = [
      { ...requests, window: 'month' as const },
      { ...requests, metric: 'tokens' as const },
      { ...requests, name: 'renamed', value: 99, action: 'warn' as const },
    ]
    for (const [index, reserved] of [0, 0, 1].entries()) {
      const [other = requests] = others.slice(index)
      expect(await standing(NOON, [other])).toEqual({ requests: `0/${reserved}` })
    }
  })
})

describe('two policies of one metric', () => {
  const warns = policy('warns', { value: 2, action: 'warn' })
  const blocks = policy('blocks', { value: 4 })

  test('each tell once in a window who is the first beyond their value', async () => {
    const { reserve } = newLedger()
    const crossings: boolean[][] = []
    for (let count = 0; count < 7; count++) {
      const { standings } = { standings: [], ...(await reserve({ policies: [warns, blocks] })) }
      crossings.push(standings.map(({ crossed }) => crossed))
    }
    const none = [false, false]
    expect(crossings).toEqual([none, none, [true, false], none, [false, true], none, none])
    const tomorrow = { policies: [{ ...warns, value: 0 }], nowMs: NOON + 24 * HOUR }
    expect(await reserve(tomorrow)).toMatchObject({ standings: [{ crossed: true }] })
    expect(await reserve(tomorrow)).toMatchObject({ standings: [{ crossed: false }] })
  })

  test('tell anew when the value is changed, and tell the same again to who asks twice', async () => {
    const { reserve } = newLedger()
    const shut = (value: number, holdId: string) =>
      reserve({ policies: [{ ...warns, value }], holdId, amounts: { requests: 5 } })
    const crossed = { standings: [{ crossed: true }] }
    expect(await shut(4, 'a')).toMatchObject(crossed)
    expect(await shut(4, 'a')).toMatchObject(crossed)
    expect(await shut(4, 'b')).toMatchObject({ standings: [{ crossed: false }] })
    expect(await shut(6, 'c')).toMatchObject(crossed)
  })

  test('of which one refuses tell of nothing else', async () => {
    const { reserve } = newLedger()
    const policies = [
      { ...warns, value: 0 },
      { ...blocks, value: 0 },
    ]
    expect(await reserve({ policies })).toMatchObject({ standings: [{ crossed: false }, { crossed: true }] })
    expect(await reserve({ policies: [{ ...warns, value: 0 }] })).toMatchObject({
      standings: [{ crossed: true }],
    })
  })
})

describe('settling', () => {
  test('puts the truth in the place of the estimate, and ends the request', async () => {
    const { reserve, settle, standing } = newLedger()
    await reserve({ holdId: 'a' })
    await settle('a', { requests: 1, tokens: 42 })
    expect(await standing()).toEqual({ requests: '1/0', tokens: '42/0', 'at-once': '0/0' })
  })

  test('gives all back when nothing was taken', async () => {
    const { reserve, settle, standing } = newLedger()
    await reserve({ holdId: 'a' })
    await settle('a')
    expect(await standing()).toEqual({ requests: '0/0', tokens: '0/0', 'at-once': '0/0' })
  })

  test('charges what was reserved for a cost that nobody can tell', async () => {
    const { reserve, settle, standing } = newLedger()
    const policies = [policy('cost', { metric: 'cost', value: 1_000 })]
    await reserve({ holdId: 'a', policies, amounts: { cost: 70 } })
    await reserve({ holdId: 'b', policies, amounts: { cost: 70 } })
    await settle('a', { cost: null })
    await settle('b', { cost: 11 })
    expect(await standing(NOON, policies)).toEqual({ cost: '81/0' })
  })

  test('takes more than was reserved when more was used: the next request finds the limit reached', async () => {
    const { reserve, settle, standing } = newLedger()
    await reserve({ holdId: 'a' })
    await settle('a', { requests: 1, tokens: 5_000 })
    expect(await standing()).toMatchObject({ tokens: '5000/0' })
    expect(await reserve()).toMatchObject({ ...refused, policyId: 'tokens' })
  })

  test('counts once when it is done twice, or with other amounts', async () => {
    const { reserve, settle, standing } = newLedger()
    await reserve({ holdId: 'a' })
    await settle('a', { requests: 1, tokens: 42 })
    await settle('a', { requests: 1, tokens: 42 })
    await settle('a', { requests: 7, tokens: 700 })
    expect(await standing()).toEqual({ requests: '1/0', tokens: '42/0', 'at-once': '0/0' })
  })

  describe('tells of a count that only the truth took beyond its value', () => {
    const warns = policy('warns', { metric: 'tokens', window: 'hour', value: 150, action: 'warn' })
    const beyond = (used: number) => [{ counter: `warns tokens hour ${NOON}`, used }]

    test('once in a window for each value', async () => {
      const { reserve, settle } = newLedger()
      const policies = [warns]
      await reserve({ holdId: 'a', policies })
      expect(await settle('a', { tokens: 150 })).toEqual([])
      await reserve({ holdId: 'b', policies, amounts: { tokens: 0 } })
      expect(await settle('b', { tokens: 20 })).toEqual(beyond(170))
      expect(await settle('b', { tokens: 20 })).toEqual([])
      expect(await reserve({ holdId: 'c', policies })).toMatchObject({ standings: [{ crossed: false }] })
      expect(await settle('c', { tokens: 30 })).toEqual([])
      await reserve({ holdId: 'd', policies: [{ ...warns, value: 300 }] })
      expect(await settle('d', { tokens: 200 })).toEqual(beyond(400))
    })

    test('but not of one that the reservation told', async () => {
      const { reserve, settle } = newLedger()
      const asked = { holdId: 'a', policies: [warns], amounts: { tokens: 200 } }
      expect(await reserve(asked)).toMatchObject({ standings: [{ crossed: true }] })
      expect(await settle('a', { tokens: 300 })).toEqual([])
    })

    test('nor by a request that took nothing', async () => {
      const { reserve, settle } = newLedger()
      await reserve({ holdId: 'a', policies: [warns], amounts: { tokens: 1 } })
      await reserve({ holdId: 'b', policies: [{ ...warns, value: 1_000 }] })
      await settle('b', { tokens: 500 })
      expect(await settle('a')).toEqual([])
    })

    test('also when the truth comes after the hold expired, to an object that has restarted', async () => {
      const { reserve, settle, standing, stub } = newLedger()
      await reserve({ holdId: 'a', policies: [warns] })
      expect(await standing(NOON + HOUR, [warns])).toEqual({ warns: '0/0' })
      await evictDurableObject(stub)
      expect(await settle('a', { tokens: 151 })).toEqual(beyond(151))
      await reserve({ holdId: 'b', policies: [warns], amounts: { tokens: 1 } })
      expect(await settle('b', { tokens: 1 })).toEqual([])
    })
  })

  test('of what was never reserved changes nothing, and its reservation comes too late', async () => {
    const { settle, standing, reserve } = newLedger()
    await settle('never', { requests: 1, tokens: 42 })
    expect(await standing()).toEqual({ requests: '0/0', tokens: '0/0', 'at-once': '0/0' })
    expect(await reserve({ holdId: 'never' })).toEqual({ kind: 'closed' })
    expect(await standing()).toEqual({ requests: '0/0', tokens: '0/0', 'at-once': '0/0' })
  })

  test('ends a request for good: a reservation that is repeated after it takes nothing', async () => {
    const { settle, standing, reserve } = newLedger()
    await reserve({ holdId: 'a' })
    await settle('a', { requests: 1 })
    expect(await reserve({ holdId: 'a' })).toEqual({ kind: 'closed' })
    expect(await standing()).toEqual({ requests: '1/0', tokens: '0/0', 'at-once': '0/0' })
  })

  test('makes room for as many at a time as the limit says', async () => {
    const { reserve, settle } = newLedger()
    await reserve({ holdId: 'a' })
    await reserve({ holdId: 'b' })
    expect(await reserve()).toMatchObject({ ...refused, policyId: 'at-once' })
    await settle('a', { requests: 1 })
    expect(await reserve()).toMatchObject(granted)
  })
})

describe('what a request is expected to write', () => {
  const policies = [tokens, policy('cost', { metric: 'cost', value: 1e12 })]
  const output = { series: 'key model', choices: 1, nanoUsdPerToken: 10 }

  async function amountsFor(ledger: ReturnType<typeof newLedger>, wish: object) {
    const holdId = `look-${Math.random()}`
    const roomy = policies.map((one) => ({ ...one, value: 1e12 }))
    const reply = await ledger.reserve({ holdId, policies: roomy, amounts: { tokens: 100, cost: 50 }, wish })
    await ledger.settle(holdId)
    return reply.kind === 'closed' ? [] : reply.standings.map(({ amount }) => amount)
  }

  test.each([
    ['nothing', {}, 0],
    ['an expectation, when it sets no limit and nothing is known', { output }, 1_000],
    ['its own limit', { output: { ...output, mostTokens: 300 } }, 300],
    ['a part of a large limit', { output: { ...output, mostTokens: 64_000 } }, 4_096],
    ['each choice', { output: { ...output, choices: 3 } }, 3_000],
  ])('while nothing is known of its like: %s', async (_, wish, written) => {
    expect(await amountsFor(newLedger(), wish)).toEqual([100 + written, 50 + 10 * written])
  })

  test('is what nineteen of twenty of its like wrote, and never more than it may', async () => {
    const ledger = newLedger()
    for (let count = 1; count <= 100; count++)
      await ledger.settle(`seen-${count}`, { output: { series: 'key model', tokens: count * 10 } })
    const [amount = 0] = await amountsFor(ledger, { output: { ...output, mostTokens: 64_000 } })
    expect(amount - 100).toBeGreaterThanOrEqual(950)
    expect(amount - 100).toBeLessThanOrEqual(1_200)
    expect(await amountsFor(ledger, { output: { ...output, mostTokens: 30 } })).toEqual([130, 350])
    expect(await amountsFor(ledger, { output: { ...output, series: 'other' } })).toEqual([1_100, 10_050])
  })
})
