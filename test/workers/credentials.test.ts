import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { seal } from '../../src/platform/encryption'
import { type Failure, SluiceError } from '../../src/platform/failure'
import { authorize } from '../../src/providers/credentials'
import { redactedBytes, redactedFailure } from '../../src/providers/redact'
import type { Target } from '../../src/providers/target'

const CONTEXT = 'provider:acme@api.acme.example'

function target(given: Partial<Target>): Target {
  return {
    providerId: 'acme',
    model: 'acme/m',
    upstreamModel: 'm',
    protocol: 'openai-chat',
    url: 'https://api.acme.example/v1',
    auth: { kind: 'bearer' },
    credential: { kind: 'none' },
    ...given,
  }
}

async function failureOf(work: () => unknown) {
  try {
    await work()
  } catch (cause) {
    if (cause instanceof SluiceError) return cause.failure
    throw cause
  }
  throw new Error('it succeeded')
}

const sealed = (text: string, context = CONTEXT) => seal(env.ENCRYPTION_KEY, context, text)

describe('a call is authorized', () => {
  test('by a worker secret', () => {
    const given = { ...env, ACME_KEY: 'sk-acme' }
    expect(authorize(target({ credential: { kind: 'secret', name: 'ACME_KEY' } }), given)).toEqual({
      headers: [['authorization', 'Bearer sk-acme']],
      secrets: ['sk-acme'],
    })
  })

  test('in a header of the provider’s own', () => {
    const auth = { kind: 'header', header: 'api-key' } as const
    const given = { ...env, ACME_KEY: 'sk-acme' }
    expect(authorize(target({ auth, credential: { kind: 'secret', name: 'ACME_KEY' } }), given)).toEqual({
      headers: [['api-key', 'sk-acme']],
      secrets: ['sk-acme'],
    })
  })

  test('by a stored key and stored headers, which are opened once', async () => {
    const stored = target({
      credential: { kind: 'stored', sealed: await sealed('sk-stored'), context: CONTEXT },
      sealedHeaders: { sealed: await sealed('{"X-Team":"blue","X-Token":"t0ken"}'), context: CONTEXT },
    })
    const authorization = {
      headers: [
        ['x-team', 'blue'],
        ['x-token', 't0ken'],
        ['authorization', 'Bearer sk-stored'],
      ],
      secrets: ['sk-stored', 'blue', 't0ken'],
    }
    const first = authorize(stored, env)
    expect(first).toBeInstanceOf(Promise)
    expect(await first).toEqual(authorization)
    expect(authorize(stored, env)).toEqual(authorization)
  })

  test('by nothing when the provider wants nothing', () => {
    expect(authorize(target({ auth: { kind: 'none' } }), env)).toEqual({ headers: [], secrets: [] })
  })
})

describe('a call is not made', () => {
  test.each([undefined, ''])('without its worker secret, and the failure names it: %j', async (value) => {
    const given = { ...env, ...(value === undefined ? {} : { ACME_KEY: value }) }
    const wanted = target({ credential: { kind: 'secret', name: 'ACME_KEY' } })
    expect(await failureOf(() => authorize(wanted, given))).toEqual({
      kind: 'provider_not_configured',
      message: expect.stringMatching(/'acme'.*ACME_KEY/),
    })
  })

  test('with a key that was stored for another host', async () => {
    const credential = {
      kind: 'stored',
      sealed: await sealed('sk-stored', 'provider:acme@evil.example'),
      context: CONTEXT,
    } as const
    expect(await failureOf(() => authorize(target({ credential }), env))).toMatchObject({
      kind: 'unavailable',
    })
  })

  test('when the encryption key is gone', async () => {
    const credential = { kind: 'stored', sealed: await sealed('sk-other'), context: CONTEXT } as const
    expect(await failureOf(() => authorize(target({ credential }), { ...env, ENCRYPTION_KEY: '' }))).toEqual({
      kind: 'unavailable',
      message: expect.stringContaining('ENCRYPTION_KEY is not set'),
      retryAfterSeconds: 60,
    })
  })
})

describe('what an upstream repeats of its credentials is taken out', () => {
  const bytes = (text: string) => new TextEncoder().encode(text)
  const given = { ...env, ACME_KEY: 'sk-acme-1234' }
  const keyed = target({ credential: { kind: 'secret', name: 'ACME_KEY' } })

  test.each<[Failure, Failure]>([
    [
      {
        kind: 'upstream_status',
        provider: 'acme',
        status: 401,
        headers: [],
        body: bytes('no sk-acme-1234, no sk-acme-1234'),
      },
      {
        kind: 'upstream_status',
        provider: 'acme',
        status: 401,
        headers: [],
        body: bytes('no [redacted], no [redacted]'),
      },
    ],
    [
      {
        kind: 'upstream_error_event',
        provider: 'acme',
        message: 'key sk-acme-1234',
        data: '{"key":"sk-acme-1234"}',
      },
      {
        kind: 'upstream_error_event',
        provider: 'acme',
        message: 'key [redacted]',
        data: '{"key":"[redacted]"}',
      },
    ],
    [
      { kind: 'upstream_unreachable', provider: 'acme', message: 'Bearer sk-acme-1234' },
      { kind: 'upstream_unreachable', provider: 'acme', message: 'Bearer [redacted]' },
    ],
    [
      { kind: 'upstream_invalid', provider: 'acme', message: '<p>sk-acme-1234' },
      { kind: 'upstream_invalid', provider: 'acme', message: '<p>[redacted]' },
    ],
    [
      { kind: 'upstream_incomplete', provider: 'acme', message: 'sk-acme-1234' },
      { kind: 'upstream_incomplete', provider: 'acme', message: '[redacted]' },
    ],
    [
      { kind: 'internal', message: 'nothing of it' },
      { kind: 'internal', message: 'nothing of it' },
    ],
  ])('of %j', (failure, redacted) => {
    expect(redactedFailure(failure, keyed, given)).toEqual(redacted)
  })

  test('and what has none of them stays the very same bytes, also when they are not UTF-8', () => {
    const body = Uint8Array.from([0xff, 0xc3, 0x28])
    expect(redactedBytes(body, keyed, given)).toBe(body)
  })

  test('but for values so short that they are in every text', () => {
    const short = { ...env, ACME_KEY: 'abc' }
    expect(new TextDecoder().decode(redactedBytes(bytes('abcdef'), keyed, short))).toBe('abcdef')
  })

  test('whole, also when one of them is the beginning of another', async () => {
    const headers = '{"x-short":"token","x-long":"token-and-more"}'
    const both = target({ sealedHeaders: { sealed: await sealed(headers), context: CONTEXT } })
    await authorize(both, env)
    expect(new TextDecoder().decode(redactedBytes(bytes('it was token-and-more'), both, env))).toBe(
      'it was [redacted]',
    )
  })

  test('or nothing, when there was no credential to send', () => {
    expect(new TextDecoder().decode(redactedBytes(bytes('sk-acme-1234'), keyed, env))).toBe('sk-acme-1234')
  })
})
