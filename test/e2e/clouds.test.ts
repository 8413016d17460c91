import { generateKeyPairSync } from 'node:crypto'
import { decodeJwt, importSPKI, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FakeUpstream, type RecordedCall, startFakeUpstream } from '../fakes'
import { type Gateway, startGateway, user } from './gateway'

const { privateKey, publicKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
})

let fake: FakeUpstream
let gateway: Gateway
/** The same with an API version, which means Azure's older URLs, and with access keys for Amazon. */
let older: Gateway

beforeAll(async () => {
  fake = await startFakeUpstream()
  const account = {
    type: 'service_account',
    project_id: 'project-1',
    client_email: 'gateway@project-1.iam.gserviceaccount.com',
    private_key_id: 'key-1',
    private_key: privateKey,
    token_uri: `${fake.origin}/token`,
  }
  const azure = {
    AZURE_BASE_URL: fake.origin,
    AZURE_OPENAI_RESOURCE: 'res',
    AZURE_OPENAI_API_KEY: 'azure-key-1',
  }
  const [first, second] = await Promise.all([
    startGateway({
      ...azure,
      VERTEX_SERVICE_ACCOUNT_JSON: JSON.stringify(account),
      VERTEX_AI_BASE_URL: fake.origin,
      VERTEX_LOCATION: 'europe-west1',
    }),
    startGateway({
      ...azure,
      AZURE_API_VERSION: '2024-10-21',
      BEDROCK_BASE_URL: fake.origin,
      AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'aws-secret-access-key-0123456789',
      AWS_REGION: 'eu-central-1',
    }),
  ])
  gateway = first
  older = second
})
afterAll(async () => {
  await Promise.all([gateway.close(), older.close()])
  await fake.close()
})

/** Asks for a word, whole or streamed; tells the words, and the call that the provider got. */
async function asked(at: Gateway, model: string, stream: boolean) {
  const said = `say ${model} ${stream}`
  const { status, text, logId } = await at.chat({ model, stream, messages: user(said) })
  const call = fake.calls.findLast(({ bodyBytes }) => bodyBytes.toString().includes(said))
  if (call === undefined) throw new Error(`nothing came: ${text}`)
  return { status, text, said, call, log: await at.logOf(logId) }
}

describe.each([false, true])('streamed: %s', (stream) => {
  test.each<[string, () => Gateway, string, string, (call: RecordedCall) => void]>([
    [
      'Gemini on Vertex AI',
      () => gateway,
      'vertex_ai/gemini-2.5-flash',
      `/v1/projects/project-1/locations/europe-west1/publishers/google/models/gemini-2.5-flash:${stream ? 'streamGenerateContent' : 'generateContent'}`,
      ({ headers }) => expect(headers.authorization).toMatch(/^Bearer ya29\./),
    ],
    [
      'Claude on Vertex AI',
      () => gateway,
      'vertex_ai/claude-sonnet-4-5@20250929',
      `/v1/projects/project-1/locations/europe-west1/publishers/anthropic/models/claude-sonnet-4-5@20250929:${stream ? 'streamRawPredict' : 'rawPredict'}`,
      ({ headers, bodyBytes }) => {
        expect(headers.authorization).toMatch(/^Bearer ya29\./)
        const body = JSON.parse(bodyBytes.toString())
        expect([body.model, body.anthropic_version]).toEqual([undefined, 'vertex-2023-10-16'])
      },
    ],
    [
      'Azure with its newer URLs',
      () => gateway,
      'azure/my-deployment',
      '/openai/v1/chat/completions',
      ({ headers, bodyBytes }) => {
        expect(headers['api-key']).toBe('azure-key-1')
        expect(headers.authorization).toBeUndefined()
        expect(JSON.parse(bodyBytes.toString()).model).toBe('my-deployment')
      },
    ],
    [
      'Azure with its older URLs',
      () => older,
      'azure/my-deployment',
      '/openai/deployments/my-deployment/chat/completions',
      ({ headers, query }) => {
        expect(headers['api-key']).toBe('azure-key-1')
        expect(String(query)).toContain('2024-10-21')
      },
    ],
    [
      'Amazon Bedrock with access keys',
      () => older,
      'bedrock/eu.anthropic.claude-sonnet-4-5-20250929-v1:0',
      `/model/eu.anthropic.claude-sonnet-4-5-20250929-v1%3A0/${stream ? 'converse-stream' : 'converse'}`,
      ({ headers }) => {
        expect(headers.authorization).toMatch(
          /^AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE\/\d{8}\/eu-central-1\/bedrock\/aws4_request, SignedHeaders=\S+, Signature=[0-9a-f]{64}$/,
        )
        expect(headers['x-amz-date']).toMatch(/^\d{8}T\d{6}Z$/)
      },
    ],
  ])('%s answers', async (_, at, model, path, check) => {
    const { status, text, said, call, log } = await asked(at(), model, stream)
    expect([status, text]).toEqual([200, expect.stringContaining(stream ? 'echo' : `echo: ${said}`)])
    expect(call.path.replace(/\?.*/, '')).toBe(path)
    check(call)
    expect(log).toMatchObject({
      ending: 'completed',
      usage_source: 'provider',
      provider_id: model.split('/')[0],
    })
    expect(log.usage?.output_tokens).toBeGreaterThan(0)
  })
})

describe('the header that pins a provider', () => {
  test.each<[string, () => Gateway, string, string]>([
    ['azure', () => gateway, 'gpt-4o', '/openai/v1/chat/completions'],
    ['azure', () => older, 'openai/gpt-4o', '/openai/deployments/gpt-4o/chat/completions'],
    [
      'vertex_ai',
      () => gateway,
      'claude-sonnet-4-5-20250929',
      '/v1/projects/project-1/locations/europe-west1/publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict',
    ],
    [
      'bedrock',
      () => older,
      'claude-sonnet-4-5',
      '/model/global.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse',
    ],
  ])('%s serves the model that a request names as others do', async (provider, at, model, path) => {
    const said = `pinned to ${provider} as ${model}`
    const headers = { 'x-respan-route-provider': provider }
    const { status, logId } = await at().chat({ model, messages: user(said) }, { headers })
    expect(status).toBe(200)
    const call = fake.calls.findLast(({ bodyBytes }) => bodyBytes.toString().includes(said))
    expect(call?.path.replace(/\?.*/, '')).toBe(path)
    expect(await at().logOf(logId)).toMatchObject({ provider_id: provider, attempts: [{ reason: 'pinned' }] })
  })
})

describe('the service account of Vertex AI', () => {
  test('signs a JWT that its public key verifies, and one token serves many calls', async () => {
    await asked(gateway, 'vertex_ai/gemini-2.5-pro', false)
    const exchanges = fake.calls.filter(({ path }) => path === '/token')
    expect(exchanges).toHaveLength(1)
    const assertion = new URLSearchParams(exchanges[0]?.bodyBytes.toString()).get('assertion') ?? ''
    const { payload, protectedHeader } = await jwtVerify(assertion, await importSPKI(publicKey, 'RS256'), {
      audience: `${fake.origin}/token`,
      issuer: 'gateway@project-1.iam.gserviceaccount.com',
    })
    expect(protectedHeader).toMatchObject({ alg: 'RS256', kid: 'key-1' })
    expect(decodeJwt(assertion).scope).toBe('https://www.googleapis.com/auth/cloud-platform')
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBeLessThanOrEqual(3600)
  })
})
