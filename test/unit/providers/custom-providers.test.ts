import { describe, expect, test } from 'vitest'
import type { WireProtocolId } from '../../../src/protocols/protocol'
import { credentialFields } from '../../../src/providers/credential-fields'
import { customAuth, customStyle } from '../../../src/providers/custom-auth'
import type { Auth } from '../../../src/providers/target'
import { joinPath, upstreamBase } from '../../../src/providers/upstream-url'

describe('the auth of a custom provider', () => {
  const azure = { kind: 'header', header: 'api-key' } as const
  test.each<[WireProtocolId, string | undefined, Auth]>([
    ['openai-chat', undefined, { kind: 'bearer' }],
    ['openai-responses', 'https://api.example.com/v1', { kind: 'bearer' }],
    ['anthropic', 'https://api.example.com/v1', { kind: 'header', header: 'x-api-key' }],
    ['gemini', undefined, { kind: 'header', header: 'x-goog-api-key' }],
    ['bedrock-converse', 'https://proxy.example.com', { kind: 'aws' }],
    ['openai-chat', 'https://res.openai.azure.com/openai/v1', azure],
    ['openai-chat', 'https://res.cognitiveservices.azure.com/openai/v1', azure],
    ['gemini', 'https://europe-west4-aiplatform.googleapis.com/v1/x', { kind: 'google' }],
    ['anthropic', 'https://aiplatform.us.rep.googleapis.com/v1/x', { kind: 'google' }],
    ['gemini', 'https://aiplatform.googleapis.com/v1/x', { kind: 'google' }],
    ['bedrock-converse', 'https://bedrock-runtime.us-east-1.amazonaws.com', { kind: 'aws' }],
    ['openai-chat', 'https://bedrock-runtime.us-east-1.amazonaws.com/openai/v1', { kind: 'aws' }],
    // Hosts that only look like a cloud's.
    ['openai-chat', 'https://openai.azure.com.example.com/v1', { kind: 'bearer' }],
    ['openai-chat', 'https://myaiplatform.googleapis.com.example.com/v1', { kind: 'bearer' }],
  ])('of %s at %s', (protocol, url, auth) => {
    expect(customAuth(protocol, url)).toEqual(auth)
  })
})

test.each<[WireProtocolId, string, unknown]>([
  ['anthropic', 'https://us-east5-aiplatform.googleapis.com/v1/x', 'vertex-anthropic'],
  ['gemini', 'https://us-east5-aiplatform.googleapis.com/v1/x', undefined],
  ['anthropic', 'https://api.example.com/v1', undefined],
])('the style of %s at %s is %s', (protocol, url, style) => {
  expect(customStyle(protocol, url).urlStyle).toBe(style)
})

describe('the base of a custom provider', () => {
  const api = 'https://api.example.com'
  const deployment = 'https://r.openai.azure.com/openai/deployments/gpt?api-version=2024-10-21'
  const publishers = 'https://aiplatform.googleapis.com/v1/projects/p/locations/global/publishers/google'
  test.each<[WireProtocolId, string, string]>([
    ['anthropic', api, `${api}/v1`],
    ['anthropic', `${api}/anthropic`, `${api}/anthropic/v1`],
    ['anthropic', `${api}/v1/messages`, `${api}/v1`],
    ['openai-responses', `${api}/v1/responses`, `${api}/v1`],
    ['gemini', api, `${api}/v1beta`],
    ['gemini', `${api}/v1beta`, `${api}/v1beta`],
    ['gemini', publishers, publishers],
    ['bedrock-converse', api, api],
    ['bedrock-converse', `${api}/aws/`, `${api}/aws`],
    ['openai-chat', deployment, deployment],
  ])('of %s at %s is %s', (protocol, written, base) => {
    expect(upstreamBase(written, protocol)).toBe(base)
  })

  test.each([
    [
      `${api}/v1`,
      '/models/m:streamGenerateContent?alt=sse',
      `${api}/v1/models/m:streamGenerateContent?alt=sse`,
    ],
    [`${api}/v1?a=1`, '/x?b=2', `${api}/v1/x?a=1&b=2`],
    [`${api}/v1?a=1`, '/x', `${api}/v1/x?a=1`],
    [`${api}/`, '/x', `${api}/x`],
  ])('%s with %s is %s', (base, path, url) => {
    expect(joinPath(base, path)).toBe(url)
  })
})

describe('a stored credential', () => {
  const account = { type: 'service_account', client_email: 'a@p.example', private_key: 'K', project_id: 'p' }
  const read = {
    account: {
      clientEmail: 'a@p.example',
      privateKey: 'K',
      projectId: 'p',
      tokenUri: 'https://oauth2.googleapis.com/token',
    },
  }
  test.each<[string, string, unknown]>([
    ['a plain key', 'sk-1', { apiKey: 'sk-1' }],
    ['broken JSON, which is never sent as a key', '{"private_key":"K"', {}],
    ['an API key by name', '{"api_key":"sk-1"}', { apiKey: 'sk-1' }],
    [
      'access keys',
      '{"aws_access_key_id":"A","aws_secret_access_key":"S","aws_session_token":"T","aws_region_name":"eu-west-1"}',
      { aws: { accessKeyId: 'A', secretAccessKey: 'S', sessionToken: 'T' }, awsRegion: 'eu-west-1' },
    ],
    ['half of the access keys', '{"aws_access_key_id":"A"}', {}],
    ['a service account', JSON.stringify(account), read],
    ['a service account by name', JSON.stringify({ vertex_credentials: account }), read],
    ['a service account as text', JSON.stringify({ vertex_ai_credentials: JSON.stringify(account) }), read],
    [
      'a private key with escaped line breaks',
      JSON.stringify({ ...account, private_key: 'a\\nb' }),
      { account: { ...read.account, privateKey: 'a\nb' } },
    ],
    ['an object of something else', '{"token":"x"}', {}],
    ['nothing', '', {}],
  ])('is understood: %s', (_, text, fields) => {
    expect(credentialFields(text)).toEqual(fields)
    expect(credentialFields(text)).toBe(credentialFields(text))
  })
})
