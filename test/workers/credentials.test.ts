import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { seal } from '../../src/platform/encryption'
import { SluiceError } from '../../src/platform/failure'
import { authorize } from '../../src/providers/credentials'
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
