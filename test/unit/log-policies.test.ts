import { describe, expect, test } from 'vitest'
import { bodyPolicyOf, keepsBodies } from '../../src/pipeline/body-policy'
import { headerMetadata } from '../../src/pipeline/header-metadata'

describe('metadata in headers', () => {
  test.each<[string, Record<string, string>, unknown]>([
    ['none', { 'user-agent': 'x', 'x-request-id': '1', 'x-gateway': 'y' }, undefined],
    ['a prefix', { 'X-Gateway-Team-Name': 'Core' }, { team_name: 'Core' }],
    ['another prefix', { 'X-LLMGateway-Feature-Flag': 'A b' }, { 'feature-flag': 'A b' }],
    ['an object', { 'X-Gateway-Metadata': '{"Team":"x","n":1}' }, { Team: 'x', n: 1 }],
    ['no object', { 'X-Gateway-Metadata': '[1]', 'x-gateway-a': '1' }, { a: '1' }],
    [
      'reserved names',
      { 'x-gateway-user_id': 'u', 'x-gateway-User-Id': 'u', 'x-gateway-gateway-x': '1' },
      undefined,
    ],
    ['reserved names in an object', { 'X-Gateway-Metadata': '{"api_key_id":"x","a":1}' }, { a: 1 }],
    ['long values', { 'x-gateway-a': 'x'.repeat(2_000) }, { a: 'x'.repeat(1_000) }],
  ])('%s', (_, headers, expected) => {
    expect(headerMetadata(new Headers(headers))).toEqual(expected)
  })
})

describe('bodies are kept', () => {
  const random = Array.from(
    { length: 4_000 },
    (_, index) =>
      `01a1fd7ebeb07c12a06a77de${((index * 2_654_435_761) % 0xffffffff).toString(16).padStart(8, '0')}`,
  )
  const share = (policy: Parameters<typeof keepsBodies>[0], kind: 'completed' | 'failed' | 'cancelled') =>
    random.filter((id) => keepsBodies(policy, { kind }, id)).length / random.length

  test.each<[string, object, object, [number, number, number]]>([
    ['by itself', {}, {}, [1, 1, 1]],
    ['by the settings', {}, { bodies: 'none' }, [0, 0, 0]],
    ['of errors', {}, { bodies: 'errors' }, [0, 1, 0]],
    ['as the key says, which wins', { logBodies: 'all' }, { bodies: 'none' }, [1, 1, 1]],
    ['as the key alone says', { logBodies: 'none' }, {}, [0, 0, 0]],
    ['of a sample, and of all that failed', {}, { sample_rate: 0.25 }, [0.25, 1, 0.25]],
    ['of no sample', {}, { sample_rate: 0 }, [0, 1, 0]],
  ])('%s', (_, caller, logging, [completed, failed, cancelled]) => {
    const policy = bodyPolicyOf(caller, Object.keys(logging).length === 0 ? {} : { logging })
    expect(share(policy, 'completed')).toBeCloseTo(completed, 1)
    expect(share(policy, 'failed')).toBe(failed)
    expect(share(policy, 'cancelled')).toBeCloseTo(cancelled, 1)
  })
})
