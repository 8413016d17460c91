import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { exportPKCS8, exportSPKI, generateKeyPair, importSPKI, jwtVerify } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { SluiceError } from '../../../src/platform/failure'
import type { ServiceAccount } from '../../../src/providers/credential-fields'
import { googleToken, heldGoogleToken } from '../../../src/providers/google-token'

type Step = (response: ServerResponse, count: number) => void

const MINUTE_MS = 60_000
const call = { providerId: 'acme', mayBePrivate: true }
let server: Server
let tokenUri: string
let privateKey: string
let publicKey: string
let received: URLSearchParams[] = []
let step: Step

const granted =
  (lifeSeconds = 3_600): Step =>
  (response, count) =>
    json(response, 200, { access_token: `token-${count}`, expires_in: lifeSeconds, token_type: 'Bearer' })

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  received.push(new URLSearchParams(text))
  step(response, received.length)
}

beforeAll(async () => {
  const keys = await generateKeyPair('RS256', { extractable: true })
  privateKey = await exportPKCS8(keys.privateKey)
  publicKey = await exportSPKI(keys.publicKey)
  server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  tokenUri = `http://127.0.0.1:${address.port}/token`
})

afterAll(() => {
  server.closeAllConnections()
  server.close()
})
afterEach(() => {
  vi.useRealTimers()
  received = []
})

/** A new account each time: tokens are held by account. */
function account(given: Partial<ServiceAccount> = {}): ServiceAccount {
  return { clientEmail: 'robot@p.iam.example', privateKey, privateKeyId: 'key-1', tokenUri, ...given }
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

/** Moves the clock without holding up timers and sockets. */
function laterBy(ms: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + ms })
}

describe('a service account', () => {
  test('signs an assertion that Google can verify', async () => {
    step = granted()
    expect(await googleToken(account(), call)).toBe('token-1')
    expect(received[0]?.get('grant_type')).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer')
    const verified = await jwtVerify(
      received[0]?.get('assertion') ?? '',
      await importSPKI(publicKey, 'RS256'),
      { algorithms: ['RS256'], issuer: 'robot@p.iam.example', audience: tokenUri, requiredClaims: ['iat'] },
    )
    expect(verified.protectedHeader).toEqual({ alg: 'RS256', typ: 'JWT', kid: 'key-1' })
    const { scope, exp = 0, iat = 0 } = verified.payload
    expect(scope).toBe('https://www.googleapis.com/auth/cloud-platform')
    expect(exp - iat).toBe(3_600)
    expect(Math.abs(iat * 1_000 - Date.now())).toBeLessThan(MINUTE_MS)
  })

  test('keeps its token until five minutes before its end, and needs no waiting for it', async () => {
    step = granted()
    const own = account()
    expect(heldGoogleToken(own)).toBeUndefined()
    expect(googleToken(own, call)).toBeInstanceOf(Promise)
    await vi.waitFor(() => expect(heldGoogleToken(own)).toBe('token-1'))
    expect(googleToken(own, call)).toBe('token-1')
    laterBy(54 * MINUTE_MS)
    expect(googleToken(own, call)).toBe('token-1')
    laterBy(2 * MINUTE_MS)
    expect(await googleToken(own, call)).toBe('token-2')
    expect(received).toHaveLength(2)
  })

  test('makes one exchange for all who wait, and another for another account', async () => {
    step = granted()
    const own = account()
    const tokens = await Promise.all(Array.from({ length: 20 }, () => googleToken(own, call)))
    expect(new Set(tokens)).toEqual(new Set(['token-1']))
    expect(received).toHaveLength(1)
    expect(await googleToken(account(), call)).toBe('token-2')
  })

  test('does not wait for ever for an exchange that another request began', async () => {
    const own = account()
    // The first answer never comes, as when its request was dropped.
    step = (response, count) => (count === 1 ? undefined : granted()(response, count))
    const dropped = Promise.resolve(googleToken(own, call))
    dropped.catch(() => undefined)
    expect(await googleToken(own, call)).toBe('token-2')
    expect(received).toHaveLength(2)
  })

  test('lives on what is left of its token while the endpoint is away', async () => {
    step = granted()
    const own = account()
    await googleToken(own, call)
    laterBy(57 * MINUTE_MS)
    step = (response) => json(response, 503, {})
    expect(await googleToken(own, call)).toBe('token-1')
    laterBy(4 * MINUTE_MS)
    expect(await failureOf(() => googleToken(own, call))).toMatchObject({ kind: 'upstream_unreachable' })
    step = granted()
    expect(await googleToken(own, call)).toBe('token-4')
  })
})

describe('without a token, the failure', () => {
  const refusal = { error: 'invalid_grant', error_description: 'Invalid JWT Signature.' }
  test.each<[string, Step, unknown]>([
    [
      'tells what Google says of the account',
      (response) => json(response, 400, refusal),
      {
        kind: 'provider_not_configured',
        message:
          'Google refused the service account robot@p.iam.example with status 400 (invalid_grant: Invalid JWT Signature.).',
      },
    ],
    [
      'tells the status when nothing is said',
      (response) => response.writeHead(403).end('<html>'),
      { kind: 'provider_not_configured', message: expect.stringContaining('with status 403.') },
    ],
    [
      'is one that passes when there were too many',
      (response) => json(response, 429, refusal),
      { kind: 'upstream_unreachable', provider: 'acme', message: expect.stringContaining('status 429') },
    ],
    [
      'is one that passes when the endpoint is at fault',
      (response) => json(response, 500, {}),
      { kind: 'upstream_unreachable', provider: 'acme', message: expect.stringContaining('status 500') },
    ],
    [
      'is the same for a redirect, which is not followed',
      (response) => response.writeHead(302, { location: 'http://example.com/' }).end(),
      { kind: 'upstream_unreachable', provider: 'acme', message: expect.stringContaining('no access token') },
    ],
    [
      'tells that the connection broke',
      (response) => response.destroy(),
      { kind: 'upstream_unreachable', provider: 'acme', message: expect.stringContaining('no access token') },
    ],
    [
      'tells that the answer holds none',
      (response) => json(response, 200, { id_token: 'x' }),
      {
        kind: 'upstream_invalid',
        provider: 'acme',
        message: expect.stringContaining('without an access token'),
      },
    ],
  ])('%s', async (_, given, failure) => {
    step = given
    expect(await failureOf(() => googleToken(account(), call))).toEqual(failure)
  })

  test('never repeats the key or the assertion', async () => {
    step = (response) =>
      json(response, 400, { error: 'bad', assertion: received[0]?.get('assertion'), key: privateKey })
    const told = JSON.stringify(await failureOf(() => googleToken(account(), call)))
    expect(told).not.toContain(received[0]?.get('assertion'))
    expect(told).not.toContain(privateKey.split('\n')[1])
  })

  test('tells of a key that cannot be read, without it', async () => {
    const broken = `-----BEGIN PRIVATE KEY-----\nc2VjcmV0LXNlY3JldA==\n-----END PRIVATE KEY-----`
    const failure = await failureOf(() => googleToken(account({ privateKey: broken }), call))
    expect(failure).toMatchObject({
      kind: 'provider_not_configured',
      message: expect.stringContaining(
        'private_key of the service account robot@p.iam.example cannot be read',
      ),
    })
    expect(JSON.stringify(failure)).not.toContain('c2VjcmV0')
    expect(received).toEqual([])
  })

  test.each([
    ['another host', 'https://oauth2.example.com/token', true],
    ['a host that looks like Google’s', 'https://evilgoogleapis.com/token', true],
    ['plain http', 'http://oauth2.googleapis.com/token', true],
    ['a private address', 'http://10.0.0.1/token', true],
    ['this machine where that is not allowed', 'http://127.0.0.1:1/token', false],
    ['nonsense', 'token', true],
  ])('comes before anything is sent to %s', async (_, uri, mayBePrivate) => {
    const how = { providerId: 'acme', mayBePrivate }
    expect(await failureOf(() => googleToken(account({ tokenUri: uri }), how))).toEqual({
      kind: 'provider_not_configured',
      message: 'The token_uri of the service account robot@p.iam.example is not one of googleapis.com.',
    })
  })
})
