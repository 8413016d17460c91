import { env } from 'cloudflare:workers'
import { exportPKCS8, generateKeyPair, jwtVerify } from 'jose'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { realEffects } from '../../src/platform/effects'
import { seal } from '../../src/platform/encryption'
import { type Failure, SluiceError } from '../../src/platform/failure'
import { createLifeline } from '../../src/platform/lifeline'
import { callUpstream, type UpstreamCall } from '../../src/providers/call'
import { authorize } from '../../src/providers/credentials'
import { customAuth } from '../../src/providers/custom-auth'
import { redactedBytes, redactedFailure } from '../../src/providers/redact'
import type { Target } from '../../src/providers/target'

const CONTEXT = 'provider:acme@api.acme.example'

function target(given: Partial<Target>): Target {
  return {
    providerId: 'acme',
    model: 'acme/m',
    upstreamModel: 'm',
    protocol: 'openai-chat',
    traits: {},
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

describe('a call to a cloud is authorized', () => {
  const bedrock = 'https://bedrock-runtime.eu-west-1.amazonaws.com'
  const signed = { url: `${bedrock}/model/m/converse`, method: 'POST', body: new Uint8Array(2) }
  const keys = { aws_access_key_id: 'AKIDEXAMPLE', aws_secret_access_key: 'aws-secret' }

  async function stored(fields: unknown, given: Partial<Target>): Promise<Target> {
    const text = typeof fields === 'string' ? fields : JSON.stringify(fields)
    return target({ ...given, credential: { kind: 'stored', sealed: await sealed(text), context: CONTEXT } })
  }

  test.each<[string, string, Target['protocol'], unknown]>([
    ['an API key in JSON', 'https://api.acme.example/v1', 'openai-chat', { api_key: 'sk-1' }],
    ['a plain token of Bedrock', bedrock, 'bedrock-converse', 'sk-1'],
    ['a token of Bedrock in JSON', bedrock, 'bedrock-converse', { api_key: 'sk-1' }],
    ['a plain access token of Vertex AI', 'https://aiplatform.googleapis.com/v1/x', 'gemini', 'sk-1'],
  ])('as a bearer by %s', async (_, url, protocol, fields) => {
    const given = await stored(fields, { url, protocol, auth: customAuth(protocol, url) })
    expect(await authorize(given, env)).toEqual({
      headers: [['authorization', 'Bearer sk-1']],
      secrets: ['sk-1'],
    })
  })

  test('in Azure’s header by an API key in JSON', async () => {
    const url = 'https://res.openai.azure.com/openai/v1'
    const given = await stored({ api_key: 'sk-1' }, { url, auth: customAuth('openai-chat', url) })
    expect(await authorize(given, env)).toEqual({ headers: [['api-key', 'sk-1']], secrets: ['sk-1'] })
  })

  test.each<[string, unknown, string, string]>([
    ['the host’s region', keys, bedrock, 'eu-west-1'],
    [
      'the credential’s region',
      { ...keys, aws_region_name: 'ap-south-1' },
      'https://p.example',
      'ap-south-1',
    ],
  ])('by a signature with stored access keys, for %s', async (_, fields, url, region) => {
    const given = await stored(fields, { url, auth: { kind: 'aws' } })
    const { headers, secrets, sign } = await authorize(given, env)
    expect({ headers, secrets }).toEqual({ headers: [], secrets: ['aws-secret'] })
    expect(new Map(await sign?.(signed)).get('authorization')).toMatch(
      new RegExp(`^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/\\d{8}/${region}/bedrock/aws4_request, `),
    )
  })

  test('by a signature with access keys and a session of the worker', async () => {
    const worker = {
      AWS_ACCESS_KEY_ID: 'AKID',
      AWS_SECRET_ACCESS_KEY: 's3cret',
      AWS_SESSION_TOKEN: 'sess10n',
    }
    const credential = { kind: 'secret', name: 'AWS_ACCESS_KEY_ID' } as const
    const given = target({ url: bedrock, auth: { kind: 'aws' }, credential })
    const { headers, secrets, sign } = await authorize(given, { ...env, ...worker })
    expect({ headers, secrets }).toEqual({ headers: [], secrets: ['s3cret', 'sess10n'] })
    expect(await sign?.(signed)).toEqual(expect.arrayContaining([['x-amz-security-token', 'sess10n']]))
  })

  test.each<[string, unknown, Target['auth'], RegExp]>([
    ['half of the access keys', { aws_access_key_id: 'A' }, { kind: 'aws' }, /aws_secret_access_key/],
    ['no region', keys, { kind: 'aws' }, /aws_region_name/],
    ['no service account', { api: 'x' }, { kind: 'google' }, /service account/],
    ['broken JSON', '{"private_key":"PRIV', { kind: 'google' }, /service account/],
    ['no API key', { key: 'x' }, { kind: 'bearer' }, /without api_key/],
  ])('not with %s, and the failure says so without it', async (_, fields, auth, reason) => {
    const given = await stored(fields, { auth })
    const failure = await failureOf(() => authorize(given, env))
    expect(failure).toEqual({ kind: 'provider_not_configured', message: expect.stringMatching(reason) })
    expect(JSON.stringify(failure)).not.toMatch(/PRIV|aws-secret/)
  })
})

/** The network, of which these tests see the calls. */
function network(answer: (request: Request) => Response | Promise<Response>): Request[] {
  const calls: Request[] = []
  vi.stubGlobal('fetch', async (url: string, init?: RequestInit) => {
    const request = new Request(url, init)
    calls.push(request.clone())
    return answer(request)
  })
  return calls
}

afterEach(() => vi.unstubAllGlobals())

describe('a service account of Vertex AI', () => {
  test('is exchanged for a token once, which is put on calls and taken out of what they say', async () => {
    const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true })
    const account = {
      type: 'service_account',
      client_email: 'robot@p.example',
      private_key: await exportPKCS8(privateKey),
    }
    const calls = network(() => Response.json({ access_token: 'ya29.token', expires_in: 3_599 }))
    const given = { ...env, VERTEX_SERVICE_ACCOUNT_JSON: JSON.stringify(account) }
    const credential = { kind: 'secret', name: 'VERTEX_SERVICE_ACCOUNT_JSON' } as const
    const vertex = target({ protocol: 'gemini', auth: { kind: 'google' }, credential })
    const authorization = { headers: [['authorization', 'Bearer ya29.token']], secrets: ['ya29.token'] }
    expect(await authorize(vertex, given)).toEqual(authorization)
    expect(authorize(vertex, given)).toEqual(authorization)
    expect(calls.map(({ url, method }) => [method, url])).toEqual([
      ['POST', 'https://oauth2.googleapis.com/token'],
    ])
    const assertion = new URLSearchParams(await calls[0]?.text()).get('assertion') ?? ''
    const audience = 'https://oauth2.googleapis.com/token'
    const verified = await jwtVerify(assertion, publicKey, { issuer: 'robot@p.example', audience })
    expect(verified.protectedHeader.alg).toBe('RS256')
    const echo = new TextEncoder().encode(`no ya29.token, and no ${account.private_key}`)
    const clean = new TextDecoder().decode(redactedBytes(echo, vertex, given))
    expect(clean).toMatch(/^no \[redacted\], and no -----BEGIN PRIVATE KEY-----\n\[redacted\]/)
    expect(clean.replaceAll(/\[redacted\]|-----\w+ PRIVATE KEY-----|\s|no|and|,/g, '')).toBe('')
  })
})

describe('a call', () => {
  const lifeline = () =>
    createLifeline({
      client: new AbortController().signal,
      now: realEffects.now,
      timeouts: { headersMs: 5_000, firstContentMs: 5_000, idleMs: 5_000, totalMs: 5_000 },
    })
  const ask = (given: Partial<UpstreamCall>) =>
    callUpstream({
      target: target({}),
      env,
      method: 'POST',
      path: '/chat/completions',
      isStream: false,
      clientHeaders: new Headers(),
      lifeline: lifeline(),
      ...given,
    })
  const json = () => Response.json({})

  test('goes to its operation with its method, and carries a stream as it comes', async () => {
    const calls = network(json)
    const body = new Blob(['--x--']).stream()
    await ask({ path: '/files?purpose=batch', body, contentType: 'multipart/form-data; boundary=x' })
    await ask({ method: 'DELETE', path: '/files/1' })
    expect(calls.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'POST https://api.acme.example/v1/files?purpose=batch',
      'DELETE https://api.acme.example/v1/files/1',
    ])
    expect(calls[0]?.headers.get('content-type')).toBe('multipart/form-data; boundary=x')
    expect(await calls[0]?.text()).toBe('--x--')
    expect(calls[1]?.headers.has('content-type')).toBe(false)
  })

  test.each<[string, () => Uint8Array | ReadableStream<Uint8Array>]>([
    ['bytes', () => new TextEncoder().encode('{}')],
    ['a stream', () => new Blob(['{}']).stream()],
  ])('to Bedrock is signed over its body: %s', async (_, body) => {
    const calls = network(json)
    const url = 'https://bedrock-runtime.eu-west-1.amazonaws.com'
    const credential = { kind: 'secret', name: 'AWS_ACCESS_KEY_ID' } as const
    await ask({
      target: target({ url, protocol: 'bedrock-converse', auth: { kind: 'aws' }, credential }),
      env: { ...env, ...{ AWS_ACCESS_KEY_ID: 'AKID', AWS_SECRET_ACCESS_KEY: 's3cret' } },
      path: '/model/us.amazon.nova%3A0/converse-stream',
      isStream: true,
      body: body(),
    })
    const [call] = calls
    expect(call?.url).toBe(`${url}/model/us.amazon.nova%3A0/converse-stream`)
    expect(call?.headers.get('authorization')).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKID\/\d{8}\/eu-west-1\//,
    )
    expect(call?.headers.get('x-amz-date')).toMatch(/^\d{8}T\d{6}Z$/)
    expect(call?.headers.get('accept')).toBe('application/vnd.amazon.eventstream')
    expect(await call?.text()).toBe('{}')
  })

  test('tells why there is no token, and is not made', async () => {
    const calls = network(() => Response.json({ error: 'invalid_grant' }, { status: 400 }))
    const { privateKey } = await generateKeyPair('RS256', { extractable: true })
    const account = { client_email: 'robot@p.example', private_key: await exportPKCS8(privateKey) }
    const credential = { kind: 'secret', name: 'VERTEX_SERVICE_ACCOUNT_JSON' } as const
    const failure = await failureOf(() =>
      ask({
        target: target({ auth: { kind: 'google' }, credential }),
        env: { ...env, ...{ VERTEX_SERVICE_ACCOUNT_JSON: JSON.stringify(account) } },
      }),
    )
    expect(failure).toMatchObject({
      kind: 'provider_not_configured',
      message: expect.stringContaining('invalid_grant'),
    })
    expect(calls).toHaveLength(1)
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

  test('with the secrets of clouds among them: access keys, sessions, and private keys line by line', async () => {
    const line = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASC'
    const privateKey = `-----BEGIN PRIVATE KEY-----\n${line}\nZm9vYmFy\n-----END PRIVATE KEY-----\n`
    const texts = [
      { aws_access_key_id: 'AKIDEXAMPLE', aws_secret_access_key: 'aws-secret', aws_session_token: 'sess10n' },
      { client_email: 'a@b.example', private_key: privateKey },
    ]
    const cleaned: string[] = []
    for (const [index, fields] of texts.entries()) {
      const own = target({
        auth: { kind: index === 0 ? 'aws' : 'google', ...(index === 0 ? { region: 'r' } : {}) },
        credential: { kind: 'stored', sealed: await sealed(JSON.stringify(fields)), context: CONTEXT },
      })
      // This account's key is none, so nothing is sent; what was opened counts.
      if (index === 0) await authorize(own, env)
      else await Promise.allSettled([authorize(own, { ...env, ALLOW_PRIVATE_UPSTREAMS: 'false' })])
      cleaned.push(new TextDecoder().decode(redactedBytes(bytes(JSON.stringify(fields)), own, env)))
    }
    expect(cleaned.join()).not.toMatch(new RegExp(`aws-secret|sess10n|${line}|Zm9vYmFy`))
    expect(cleaned.join()).toContain('[redacted]')
  })
})
