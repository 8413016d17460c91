import { describe, expect, test } from 'vitest'
import { retryAfterMsOf } from '../../../src/routing/retry-after'
import { nextRetry, type RetryPolicy, retryPolicyOf } from '../../../src/routing/retry-policy'
import { read, type Written } from './planning'

const NOW = Date.parse('2026-11-21T12:00:00Z')

describe('how long a provider asks to be left alone', () => {
  test.each<[Record<string, string>, number | undefined]>([
    [{}, undefined],
    [{ 'retry-after': '2' }, 2_000],
    [{ 'Retry-After': ' 0.5 ' }, 500],
    [{ 'retry-after': 'Sat, 21 Nov 2026 12:00:07 GMT' }, 7_000],
    [{ 'retry-after': 'Sat, 21 Nov 2026 11:00:00 GMT' }, 0],
    [{ 'retry-after-ms': '150' }, 150],
    [{ 'retry-after-ms': '150', 'retry-after': '9' }, 150],
    [{ 'retry-after-ms': 'soon', 'retry-after': '9' }, 9_000],
    [{ 'retry-after': 'soon' }, undefined],
    [{ 'retry-after': '-3' }, 0],
    [{ 'retry-after': '99999999' }, 86_400_000],
  ])('%j is %s', (headers, ms) => {
    expect(retryAfterMsOf(Object.entries(headers), NOW)).toBe(ms)
  })
})

describe('the policy', () => {
  const platform = { isEnabled: true, retries: 5, firstWaitMs: 1_000 }

  test.each<[string, Written, typeof platform | undefined, number, RetryPolicy]>([
    ['nobody asks', {}, undefined, 0, { retries: 0, firstWaitMs: 200 }],
    ['asked for with nothing said', { retry_params: {} }, undefined, 0, { retries: 3, firstWaitMs: 200 }],
    [
      'turned on with nothing said',
      { retry_params: { retry_enabled: true } },
      undefined,
      0,
      { retries: 3, firstWaitMs: 200 },
    ],
    ['the short form of two', { retries: 2 }, undefined, 0, { retries: 2, firstWaitMs: 200 }],
    [
      'asked for',
      { retry_params: { num_retries: 2, retry_after: 0.5 } },
      undefined,
      0,
      { retries: 2, firstWaitMs: 500 },
    ],
    [
      'turned off',
      { retry_params: { retry_enabled: false, num_retries: 2 } },
      platform,
      0,
      { retries: 0, firstWaitMs: 1_000 },
    ],
    ['the short form', { retries: 4 }, undefined, 0, { retries: 4, firstWaitMs: 200 }],
    ['the short form that turns them off', { retries: 0 }, platform, 0, { retries: 0, firstWaitMs: 1_000 }],
    [
      'the long form over the short one',
      { retries: 4, retry_params: { num_retries: 1 } },
      undefined,
      0,
      { retries: 1, firstWaitMs: 200 },
    ],
    ["the platform's", {}, platform, 0, { retries: 5, firstWaitMs: 1_000 }],
    [
      "the platform's, not enabled",
      {},
      { ...platform, isEnabled: false },
      0,
      { retries: 0, firstWaitMs: 1_000 },
    ],
    ['less what the SDK has repeated', { retries: 3 }, undefined, 2, { retries: 1, firstWaitMs: 200 }],
    ['never below none', { retries: 3 }, undefined, 9, { retries: 0, firstWaitMs: 200 }],
  ])('%s', (_, written, defaults, repeated, policy) => {
    expect(retryPolicyOf(read(written), defaults, repeated)).toEqual(policy)
  })
})

describe('the next retry', () => {
  const policy = { retries: 3, firstWaitMs: 200 }
  const given = { retriesMade: 0, retryAfterMs: undefined, nowMs: NOW, deadlineAtMs: NOW + 60_000, roll: 1 }

  test.each<[string, Partial<Parameters<typeof nextRetry>[1]>, object]>([
    ['waits', {}, { kind: 'wait', waitMs: 200 }],
    ['waits twice as long the second time', { retriesMade: 1 }, { kind: 'wait', waitMs: 400 }],
    ['and again', { retriesMade: 2 }, { kind: 'wait', waitMs: 800 }],
    ['any part of that', { retriesMade: 2, roll: 0.25 }, { kind: 'wait', waitMs: 200 }],
    ['nothing at all with that luck', { roll: 0 }, { kind: 'wait', waitMs: 0 }],
    ['is the last but one', { retriesMade: 3 }, { kind: 'stop', why: 'exhausted' }],
    ['waits as the provider asks', { retryAfterMs: 5_000 }, { kind: 'wait', waitMs: 5_000 }],
    ['waits longer than it asks', { retryAfterMs: 100 }, { kind: 'wait', waitMs: 200 }],
    ['would be too late', { retryAfterMs: 60_000 }, { kind: 'stop', why: 'too_late' }],
    ['has no time left', { deadlineAtMs: NOW }, { kind: 'stop', why: 'too_late' }],
  ])('%s', (_, more, step) => {
    expect(nextRetry(policy, { ...given, ...more })).toEqual(step)
  })

  test('is none without retries', () => {
    expect(nextRetry({ retries: 0, firstWaitMs: 200 }, given)).toEqual({ kind: 'stop', why: 'none' })
  })

  test('never waits longer than half a minute by itself', () => {
    const many = { retries: 100, firstWaitMs: 200 }
    const deadlineAtMs = NOW + 3_600_000
    expect(nextRetry(many, { ...given, retriesMade: 50, deadlineAtMs })).toEqual({
      kind: 'wait',
      waitMs: 30_000,
    })
  })
})
