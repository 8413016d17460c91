import { describe, expect, test } from 'vitest'
import { HOUR, NOON, NOTHING, newLedger, policy, requests, tokens } from './ledgers'

describe('a reservation', () => {
  test('takes of every policy, and tells what each stood at before', async () => {
    const { reserve, standing } = newLedger()
    expect(await reserve()).toEqual({
      isAllowed: true,
      standings: [
        { policyId: 'requests', used: 0, reserved: 0, resetsAtMs: Date.parse('2096-11-22T00:00:00Z') },
        { policyId: 'tokens', used: 0, reserved: 0, resetsAtMs: NOON + HOUR },
        { policyId: 'at-once', used: 0, reserved: 0, resetsAtMs: null },
      ],
    })
    expect(await standing()).toEqual({ requests: '0/1', tokens: '0/100', 'at-once': '0/1' })
  })

  test('is granted up to the value itself, and refused beyond it', async () => {
    const { reserve } = newLedger()
    const policies = [tokens]
    expect(await reserve({ policies, amounts: { ...NOTHING, tokens: 999 } })).toMatchObject({
      isAllowed: true,
    })
    expect(await reserve({ policies, amounts: { ...NOTHING, tokens: 2 } })).toMatchObject({
      isAllowed: false,
      refused: { policyId: 'tokens', used: 0, reserved: 999, resetsAtMs: NOON + HOUR },
    })
    expect(await reserve({ policies, amounts: { ...NOTHING, tokens: 1 } })).toMatchObject({ isAllowed: true })
  })

  test('takes of none when one refuses', async () => {
    const { reserve, standing } = newLedger()
    await reserve({ amounts: { requests: 1, tokens: 950, concurrency: 1 } })
    expect(await reserve()).toMatchObject({ isAllowed: false, refused: { policyId: 'tokens' } })
    expect(await standing()).toEqual({ requests: '0/1', tokens: '0/950', 'at-once': '0/1' })
  })

  test('counts once when it is asked for twice, also when it would now be refused', async () => {
    const { reserve, standing } = newLedger()
    const call = { holdId: 'the-same', amounts: { requests: 1, tokens: 600, concurrency: 1 } }
    expect(await reserve(call)).toMatchObject({ isAllowed: true })
    expect(await reserve(call)).toMatchObject({ isAllowed: true })
    expect(await standing()).toEqual({ requests: '0/1', tokens: '0/600', 'at-once': '0/1' })
  })

  test('is never refused by a policy that only warns, which counts on', async () => {
    const { reserve, standing } = newLedger()
    const policies = [policy('warns', { value: 1, action: 'warn' })]
    for (let count = 0; count < 3; count++)
      expect(await reserve({ policies })).toMatchObject({ isAllowed: true })
    expect(await standing(NOON, policies)).toEqual({ warns: '0/3' })
  })

  test('is always refused by a value of nothing', async () => {
    const { reserve } = newLedger()
    expect(await reserve({ policies: [policy('shut', { value: 0 })] })).toMatchObject({ isAllowed: false })
  })

  test('follows the value of today: a limit may be raised and lowered at any time', async () => {
    const { reserve } = newLedger()
    const allowed = async (value: number) => (await reserve({ policies: [{ ...requests, value }] })).isAllowed
    expect([
      await allowed(1),
      await allowed(1),
      await allowed(2),
      await allowed(1),
      await allowed(3),
    ]).toEqual([true, false, true, false, true])
  })

  test('of many at a time is granted as often as there is room', async () => {
    const { reserve, standing } = newLedger()
    const replies = await Promise.all(Array.from({ length: 40 }, () => reserve({ policies: [requests] })))
    expect(replies.filter(({ isAllowed }) => isAllowed)).toHaveLength(10)
    expect(await standing(NOON, [requests])).toEqual({ requests: '0/10' })
  })

  test('of other policies does not count here', async () => {
    const { reserve, standing } = newLedger()
    await reserve({ policies: [requests] })
    expect(await standing(NOON, [tokens, policy('other')])).toEqual({ tokens: '0/0', other: '0/0' })
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

  test('takes more than was reserved when more was used: the next request finds the limit reached', async () => {
    const { reserve, settle, standing } = newLedger()
    await reserve({ holdId: 'a' })
    await settle('a', { requests: 1, tokens: 5_000 })
    expect(await standing()).toMatchObject({ tokens: '5000/0' })
    expect(await reserve()).toMatchObject({ isAllowed: false, refused: { policyId: 'tokens', used: 5_000 } })
  })

  test('counts once when it is done twice, or with other amounts', async () => {
    const { reserve, settle, standing } = newLedger()
    await reserve({ holdId: 'a' })
    await settle('a', { requests: 1, tokens: 42 })
    await settle('a', { requests: 1, tokens: 42 })
    await settle('a', { requests: 7, tokens: 700, concurrency: 1 })
    expect(await standing()).toEqual({ requests: '1/0', tokens: '42/0', 'at-once': '0/0' })
  })

  test('of what was never reserved changes nothing', async () => {
    const { settle, standing } = newLedger()
    await settle('never', { requests: 1, tokens: 42 })
    expect(await standing()).toEqual({ requests: '0/0', tokens: '0/0', 'at-once': '0/0' })
  })

  test('makes room for as many at a time as the limit says', async () => {
    const { reserve, settle } = newLedger()
    await reserve({ holdId: 'a' })
    await reserve({ holdId: 'b' })
    expect(await reserve()).toMatchObject({
      isAllowed: false,
      refused: { policyId: 'at-once', reserved: 2, resetsAtMs: null },
    })
    await settle('a', { requests: 1 })
    expect(await reserve()).toMatchObject({ isAllowed: true })
  })
})
