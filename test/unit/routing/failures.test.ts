import { describe, expect, test } from 'vitest'
import type { Failure } from '../../../src/platform/failure'
import type { Credential, Target } from '../../../src/providers/target'
import { type Diagnosis, diagnose, type FailureClass } from '../../../src/routing/failure-class'
import { createHealth } from '../../../src/routing/health'
import { planOf } from './planning'

const NOW = 1_000_000
const STORED: Credential = { kind: 'stored', sealed: 's', context: 'c' }
const BROUGHT: Credential = { kind: 'request', from: 'customer', text: 'k' }

function status(code: number, message = '', headers: [string, string][] = []): Failure {
  const body = new TextEncoder().encode(JSON.stringify({ error: { message } }))
  return { kind: 'upstream_status', provider: 'p', status: code, body, headers }
}

function event(message: string, code?: number): Failure {
  return { kind: 'upstream_error_event', provider: 'p', message, data: '', status: code }
}

describe('a failure is', () => {
  test.each<[FailureClass, Failure, Credential?]>([
    ['rate', status(429)],
    ['quota', status(429, 'You exceeded your current quota, please check your plan')],
    ['quota', status(400, 'Your credit balance is too low to access the API')],
    ['quota', status(402)],
    ['rate', status(429, 'You exceeded your current quota', [['retry-after', '37']])],
    ['quota', status(403, 'You exceeded your current quota', [['retry-after', '37']])],
    ['overload', status(503)],
    ['overload', status(529)],
    ['server', status(500)],
    ['server', status(502)],
    ['lock', status(409)],
    ['transport', status(408)],
    ['missing', status(404)],
    ['missing', status(410)],
    ['auth', status(401)],
    ['auth', status(403)],
    ['caller_auth', status(401), BROUGHT],
    ['caller_auth', status(403), BROUGHT],
    ['bad_request', status(400)],
    ['bad_request', status(413)],
    ['bad_request', status(422)],
    ['context', status(400, "This model's maximum context length is 128000 tokens. However, your messages")],
    ['context', status(400, 'prompt is too long: 208310 tokens > 200000 maximum')],
    ['context', status(400, 'Input is too long for requested model.')],
    [
      'context',
      status(400, 'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).'),
    ],
    ['policy', status(400, 'The response was filtered: content_filter')],
    ['policy', status(400, 'Output blocked by content filtering policy')],
    ['policy', status(400, 'Your request was rejected as a result of our safety system.')],
    ['policy', status(403, 'Your chosen model requires moderation and your input was flagged for violence')],
    ['policy', event('Output blocked by content filtering policy')],
    ['context', event('context_length_exceeded')],
    ['overload', event('Overloaded', 529)],
    ['server', event('oh no')],
    ['timeout', { kind: 'upstream_timeout', provider: 'p', phase: 'headers', afterMs: 1 }],
    ['transport', { kind: 'upstream_unreachable', provider: 'p', message: '' }],
    ['transport', { kind: 'upstream_incomplete', provider: 'p', message: '' }],
    ['server', { kind: 'upstream_invalid', provider: 'p', message: 'HTML' }],
    ['unsuited', { kind: 'untranslatable', message: '', param: 'n' }],
    ['unsuited', { kind: 'provider_not_configured', message: '' }],
    ['cancelled', { kind: 'cancelled' }],
    ['internal', { kind: 'internal', message: '' }],
    ['bad_request', { kind: 'invalid_request', message: '' }],
  ])('%s: %o', (expected, failure, credential = STORED) => {
    expect(diagnose(failure, credential, NOW).class).toBe(expected)
  })

  test.each<[string, number]>([
    ["This model's maximum context length is 128000 tokens.", 128_000],
    ['prompt is too long: 208310 tokens > 200000 maximum', 200_000],
    ['exceeds the maximum number of tokens allowed (1,048,576).', 1_048_576],
  ])('told with the window: %s', (message, window) => {
    expect(diagnose(status(400, `context_length_exceeded ${message}`), STORED, NOW).window).toBe(window)
  })

  test('told with the time to wait', () => {
    expect(diagnose(status(429, '', [['retry-after', '3']]), STORED, NOW).retryAfterMs).toBe(3_000)
  })
})

describe('the memory of failures', () => {
  const [target] = planOf({ model: 'acme/m' })
  const [other] = planOf({ model: 'acme/n' })
  if (target === undefined || other === undefined) throw new Error('there is no plan')

  /** After which times since the last failure a target is still left alone. */
  function cooling(failures: readonly [Diagnosis, number][], of: Target, afterMs: number): boolean {
    const health = createHealth()
    for (const [diagnosis, atMs] of failures) health.failed(target ?? of, diagnosis, NOW + atMs)
    return health.isCooling(of, NOW + afterMs)
  }

  test.each<[string, [Diagnosis, number][], [number, boolean][]]>([
    ['one failure of a server is chance', [[{ class: 'server' }, 0]], [[0, false]]],
    [
      'two are not, until they are forgotten',
      [
        [{ class: 'server' }, 0],
        [{ class: 'timeout' }, 100],
      ],
      [
        [100, true],
        [3_000, true],
        [6_000, false],
      ],
    ],
    [
      'two that are far apart are chance again',
      [
        [{ class: 'server' }, 0],
        [{ class: 'server' }, 60_000],
      ],
      [[60_000, false]],
    ],
    [
      'a rate limit is one at once, for a while',
      [[{ class: 'rate' }, 0]],
      [
        [4_900, true],
        [5_100, false],
      ],
    ],
    [
      'a rate limit that tells its end lasts until then',
      [[{ class: 'rate', retryAfterMs: 30_000 }, 0]],
      [
        [29_900, true],
        [30_100, false],
      ],
    ],
    ['a rate limit that ends at once is none', [[{ class: 'rate', retryAfterMs: 0 }, 0]], [[1, false]]],
    [
      'a server that tells when to come again is left alone until then',
      [[{ class: 'overload', retryAfterMs: 2_000 }, 0]],
      [
        [1_900, true],
        [2_100, false],
      ],
    ],
    [
      'nobody is left alone for longer than ten minutes',
      [[{ class: 'rate', retryAfterMs: 86_400_000 }, 0]],
      [
        [599_000, true],
        [601_000, false],
      ],
    ],
    ['a key that is refused', [[{ class: 'auth' }, 0]], [[59_000, true]]],
    ["the caller's own key", [[{ class: 'caller_auth' }, 0]], [[0, false]]],
    [
      "the request's own fault, however often",
      Array.from({ length: 20 }, (): [Diagnosis, number] => [{ class: 'bad_request' }, 0]),
      [[0, false]],
    ],
    [
      'twenty failures are forgotten within half a minute',
      Array.from({ length: 20 }, (): [Diagnosis, number] => [{ class: 'server' }, 0]),
      [
        [20_000, true],
        [30_000, false],
      ],
    ],
  ])('%s', (_, failures, times) => {
    for (const [afterMs, isCooling] of times)
      expect([afterMs, cooling(failures, target, afterMs)]).toEqual([afterMs, isCooling])
  })

  test('is of one deployment only', () => {
    expect(cooling([[{ class: 'rate' }, 0]], other, 1)).toBe(false)
  })

  test('ends with a good answer', () => {
    const health = createHealth()
    health.failed(target, { class: 'rate' }, NOW)
    health.answered(target)
    expect(health.isCooling(target, NOW)).toBe(false)
  })
})
