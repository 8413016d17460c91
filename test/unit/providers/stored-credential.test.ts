import { describe, expect, test } from 'vitest'
import { credentialFields } from '../../../src/providers/credential-fields'
import { baseUrlOf, credentialText, type GivenCredential } from '../../../src/providers/stored-credential'

const account = { type: 'service_account', client_email: 'a@b.iam', private_key: 'pem', project_id: 'p' }

describe('a stored credential', () => {
  test.each<[string, string | null | undefined, GivenCredential, string | null | undefined]>([
    ['an API key alone stays text', 'sk-1', {}, 'sk-1'],
    ['nothing stays nothing', undefined, {}, undefined],
    ['null takes it away', null, {}, null],
    ['fields that are null are absent', 'sk-1', { aws_region_name: null }, 'sk-1'],
  ])('%s', (_, apiKey, given, expected) => {
    expect(credentialText(apiKey, given)).toBe(expected)
  })

  test('is read back as what it was', () => {
    const aws = { aws_access_key_id: 'AKIA', aws_secret_access_key: 'secret', aws_region_name: 'eu-west-1' }
    expect(credentialFields(credentialText(undefined, aws) ?? '')).toMatchObject({
      aws: { accessKeyId: 'AKIA', secretAccessKey: 'secret' },
      awsRegion: 'eu-west-1',
    })
    for (const vertex_ai_credentials of [account, JSON.stringify(account)])
      expect(
        credentialFields(credentialText(undefined, { vertex_ai_credentials }) ?? '').account,
      ).toMatchObject({
        clientEmail: 'a@b.iam',
        projectId: 'p',
      })
  })
})

describe('a base URL', () => {
  test.each<[string | undefined, string[] | undefined, GivenCredential, string | undefined]>([
    ['https://a.example/v1', undefined, {}, 'https://a.example/v1'],
    [undefined, undefined, { api_base: 'https://b.example/v1' }, 'https://b.example/v1'],
    [undefined, undefined, {}, undefined],
    [
      undefined,
      ['bedrock-converse'],
      { aws_region_name: 'eu-west-1' },
      'https://bedrock-runtime.eu-west-1.amazonaws.com',
    ],
    [
      undefined,
      ['gemini'],
      { vertex_ai_project: 'p', vertex_ai_location: 'europe-west4' },
      'https://europe-west4-aiplatform.googleapis.com/v1/projects/p/locations/europe-west4/publishers/google',
    ],
    [
      undefined,
      ['anthropic'],
      { vertex_project: 'p' },
      'https://aiplatform.googleapis.com/v1/projects/p/locations/global/publishers/anthropic',
    ],
    [
      'https://res.openai.azure.com/openai/deployments/d',
      undefined,
      { api_version: '2024-10-21' },
      'https://res.openai.azure.com/openai/deployments/d?api-version=2024-10-21',
    ],
    ['not a url', undefined, { api_version: '1' }, 'not a url'],
  ])('%s with %j and %j is %s', (written, protocols, given, expected) => {
    expect(baseUrlOf(written, protocols, given)).toBe(expected)
  })
})
