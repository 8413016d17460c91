import { describe, expect, test } from 'vitest'
import { SluiceError } from '../../../src/platform/failure'
import { paths } from '../../../src/protocols/paths'
import type { WireProtocolId } from '../../../src/protocols/protocol'
import { endpointFor, findCatalogProvider, isEnabled } from '../../../src/providers/catalog'
import type { CatalogProvider } from '../../../src/providers/catalog-row'
import { catalogTarget } from '../../../src/providers/catalog-target'
import { operationUrl } from '../../../src/providers/operation-url'

const variables = {
  AZURE_RESOURCE_NAME: 'my-res',
  AWS_REGION: 'eu-west-1',
  VERTEX_PROJECT: 'my-project',
  CLOUDFLARE_ACCOUNT_ID: 'acc/1',
}

function rowOf(id: string): CatalogProvider {
  const row = findCatalogProvider(id)
  if (row === undefined) throw new Error(`no row ${id}`)
  return row
}

function targetOf(name: string, wanted: WireProtocolId, given: Record<string, string> = {}, isLocal = false) {
  const [id = '', ...model] = name.split('/')
  const all = new Map(Object.entries({ ...variables, ...given }))
  const around = { variable: (one: string) => all.get(one), mayBePrivate: isLocal }
  return catalogTarget(rowOf(id), model.join('/'), wanted, around)
}

function failureOf(action: () => unknown) {
  try {
    action()
  } catch (cause) {
    if (cause instanceof SluiceError) return cause.failure
    throw cause
  }
  return undefined
}

describe('the endpoint of a provider', () => {
  test.each<[string, WireProtocolId, string | undefined, WireProtocolId]>([
    ['openai', 'openai-chat', 'gpt-4o', 'openai-chat'],
    ['openai', 'openai-responses', 'gpt-4o', 'openai-responses'],
    ['openai', 'anthropic', 'gpt-4o', 'openai-responses'],
    ['openai', 'gemini', undefined, 'openai-responses'],
    ['openai', 'openai-chat', 'gpt-5-codex', 'openai-responses'],
    ['openai', 'openai-chat', 'o3-pro-2025-06-10', 'openai-responses'],
    ['openai', 'openai-responses', 'gpt-4o-audio-preview', 'openai-chat'],
    ['openai', 'anthropic', 'gpt-4o-mini-search-preview', 'openai-chat'],
    ['openai', 'openai-chat', 'text-embedding-3-small', 'openai-chat'],
    ['anthropic', 'anthropic', undefined, 'anthropic'],
    // Its compatible endpoint knows neither caching nor thinking; a translation does.
    ['anthropic', 'openai-chat', undefined, 'anthropic'],
    ['anthropic', 'openai-responses', undefined, 'anthropic'],
    ['gemini', 'gemini', undefined, 'gemini'],
    ['gemini', 'anthropic', undefined, 'gemini'],
    ['gemini', 'openai-chat', undefined, 'openai-chat'],
    ['mistral', 'anthropic', undefined, 'openai-chat'],
    ['xai', 'anthropic', undefined, 'openai-responses'],
    ['groq', 'openai-responses', undefined, 'openai-responses'],
    ['groq', 'anthropic', undefined, 'openai-chat'],
    ['deepseek', 'anthropic', undefined, 'anthropic'],
    ['bedrock', 'anthropic', undefined, 'bedrock-converse'],
    ['vertex_ai', 'openai-chat', 'gemini-2.5-pro', 'gemini'],
    ['vertex_ai', 'openai-chat', 'claude-opus-4-1@20250805', 'anthropic'],
    ['vertex_ai', 'gemini', 'claude-opus-4-1@20250805', 'anthropic'],
    ['vertex_ai', 'openai-chat', 'meta/llama-4-maverick', 'openai-chat'],
    ['ollama', 'anthropic', 'qwen3:8b', 'anthropic'],
  ])('%s, asked for %s with the model %s, is that of %s', (id, wanted, model, protocol) => {
    expect(endpointFor(rowOf(id), wanted, model === undefined ? {} : { model }).protocol).toBe(protocol)
  })
})

describe('a call goes to', () => {
  const google = 'https://generativelanguage.googleapis.com/v1beta'
  const vertex = 'v1/projects/my-project/locations'
  const azure = 'https://my-res.openai.azure.com/openai'
  const old = { AZURE_API_VERSION: '2024-10-21' }
  test.each<[string, string, WireProtocolId, boolean, string, Record<string, string>?]>([
    ['OpenAI chat', 'openai/gpt-4o', 'openai-chat', true, 'https://api.openai.com/v1/chat/completions'],
    ['OpenAI Responses', 'openai/gpt-4o', 'openai-responses', true, 'https://api.openai.com/v1/responses'],
    ['Anthropic', 'anthropic/claude-opus-5', 'anthropic', true, 'https://api.anthropic.com/v1/messages'],
    ['Gemini', 'gemini/gemini-3-pro', 'gemini', false, `${google}/models/gemini-3-pro:generateContent`],
    ['Gemini, streamed', 'gemini/g', 'gemini', true, `${google}/models/g:streamGenerateContent?alt=sse`],
    ['Gemini chat', 'gemini/g', 'openai-chat', true, `${google}/openai/chat/completions`],
    ['DeepSeek', 'deepseek/d', 'anthropic', false, 'https://api.deepseek.com/anthropic/v1/messages'],
    ['Azure v1', 'azure/my-gpt', 'openai-chat', true, `${azure}/v1/chat/completions`],
    ['Azure v1 Responses', 'azure/my-gpt', 'anthropic', true, `${azure}/v1/responses`],
    [
      'an Azure deployment',
      'azure/my gpt',
      'openai-responses',
      true,
      `${azure}/deployments/my%20gpt/chat/completions?api-version=2024-10-21`,
      old,
    ],
    [
      'Claude on Azure',
      'azure/claude-opus-5',
      'openai-chat',
      true,
      'https://my-res.services.ai.azure.com/anthropic/v1/messages',
    ],
    [
      'Bedrock',
      'bedrock/us.anthropic.claude-v1:0',
      'openai-chat',
      false,
      'https://bedrock-runtime.eu-west-1.amazonaws.com/model/us.anthropic.claude-v1%3A0/converse',
    ],
    [
      'Vertex AI',
      'vertex/gemini-2.5-pro',
      'gemini',
      true,
      `https://aiplatform.googleapis.com/${vertex}/global/publishers/google/models/gemini-2.5-pro:streamGenerateContent?alt=sse`,
    ],
    [
      'Vertex AI in a region',
      'vertex/gemini-2.5-pro',
      'gemini',
      false,
      `https://europe-west4-aiplatform.googleapis.com/${vertex}/europe-west4/publishers/google/models/gemini-2.5-pro:generateContent`,
      { VERTEX_LOCATION: 'europe-west4' },
    ],
    [
      'Claude on Vertex AI',
      'vertex/claude-sonnet-4-5@20250929',
      'anthropic',
      false,
      `https://aiplatform.us.rep.googleapis.com/${vertex}/us/publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict`,
      { GOOGLE_CLOUD_LOCATION: 'us' },
    ],
    [
      'Claude on Vertex AI, streamed',
      'vertex/claude-opus-5',
      'openai-chat',
      true,
      `https://aiplatform.googleapis.com/${vertex}/global/publishers/anthropic/models/claude-opus-5:streamRawPredict`,
    ],
    [
      'the project of the service account',
      'vertex/g',
      'gemini',
      false,
      'https://aiplatform.googleapis.com/v1/projects/from-key/locations/global/publishers/google/models/g:generateContent',
      {
        VERTEX_PROJECT: '',
        VERTEX_SERVICE_ACCOUNT_JSON: '{"client_email":"a@b","private_key":"k","project_id":"from-key"}',
      },
    ],
    [
      'a value that would break out',
      'workers-ai/@cf/m',
      'openai-chat',
      true,
      'https://api.cloudflare.com/client/v4/accounts/acc%2F1/ai/v1/chat/completions',
    ],
  ])('%s: %s for a client of %s (streamed: %s)', (_, name, wanted, isStream, url, given) => {
    const set = Object.fromEntries(Object.entries(given ?? {}).filter(([, value]) => value !== ''))
    const hidden = Object.keys(given ?? {}).filter((key) => given?.[key] === '')
    const kept = Object.fromEntries(Object.entries(variables).filter(([key]) => !hidden.includes(key)))
    const all = new Map(Object.entries({ ...kept, ...set }))
    const [id = '', ...model] = name.split('/')
    const around = { variable: (one: string) => all.get(one), mayBePrivate: false }
    const target = catalogTarget(rowOf(id), model.join('/'), wanted, around)
    expect(operationUrl(target, paths[target.protocol](target.upstreamModel, isStream), isStream)).toBe(url)
  })

  test.each([
    ['/embeddings', 'openai/m', 'https://api.openai.com/v1/embeddings'],
    ['/models', 'azure/', `${azure}/models?api-version=2024-10-21`],
    ['/audio/speech?a=1', 'azure/tts', `${azure}/deployments/tts/audio/speech?api-version=2024-10-21&a=1`],
    [
      '/messages/count_tokens',
      'vertex/claude-opus-5',
      `https://aiplatform.googleapis.com/${vertex}/global/publishers/anthropic/models/count-tokens:rawPredict`,
    ],
  ])('the operation %s of %s', (path, name, url) => {
    expect(operationUrl(targetOf(name, 'openai-chat', old), path, false)).toBe(url)
  })
})

describe('a target', () => {
  test('has what its endpoint says, and the traits of its model', () => {
    expect(targetOf('vertex/claude-opus-4-1', 'anthropic')).toEqual({
      providerId: 'vertex_ai',
      model: 'vertex_ai/claude-opus-4-1',
      upstreamModel: 'claude-opus-4-1',
      protocol: 'anthropic',
      traits: {
        reasoning: 'budget',
        hasStructuredOutput: true,
        maxOutputTokens: 32_000,
        hasOneSampler: true,
      },
      url: 'https://aiplatform.googleapis.com/v1/projects/my-project/locations/global/publishers/anthropic',
      urlStyle: 'vertex-anthropic',
      bodyEdits: { remove: ['model'], insert: { anthropic_version: 'vertex-2023-10-16' } },
      auth: { kind: 'google' },
      credential: { kind: 'secret', name: 'VERTEX_SERVICE_ACCOUNT_JSON' },
      pricesAs: 'google',
    })
  })

  test.each([
    ['the first secret when none is set', {}, 'AWS_BEARER_TOKEN_BEDROCK', false],
    ['the one that is set', { AWS_ACCESS_KEY_ID: 'AKIA' }, 'AWS_ACCESS_KEY_ID', true],
    [
      'the first of two',
      { AWS_ACCESS_KEY_ID: 'AKIA', AWS_BEARER_TOKEN_BEDROCK: 't' },
      'AWS_BEARER_TOKEN_BEDROCK',
      true,
    ],
  ])('names %s', (_, given, name, isSet) => {
    expect(targetOf('bedrock/m', 'anthropic', given).credential).toEqual({ kind: 'secret', name })
    const all = new Map(Object.entries(given))
    expect(isEnabled(rowOf('bedrock'), (one) => all.get(one))).toBe(isSet)
  })

  test.each([
    ['bedrock/m', 'AWS_REGION or AWS_DEFAULT_REGION'],
    ['vertex/m', 'VERTEX_PROJECT or GOOGLE_CLOUD_PROJECT'],
    ['azure/m', 'AZURE_OPENAI_RESOURCE or AZURE_RESOURCE_NAME'],
  ])('of %s says which variable is missing: %s', (name, names) => {
    const [id = '', model = ''] = name.split('/')
    const around = { variable: () => undefined, mayBePrivate: false }
    expect(failureOf(() => catalogTarget(rowOf(id), model, 'openai-chat', around))).toEqual({
      kind: 'provider_not_configured',
      message: expect.stringContaining(`needs the variable ${names}`),
    })
  })

  test('on this machine is there where those are allowed, or where it was moved to', () => {
    expect(failureOf(() => targetOf('ollama/m', 'openai-chat'))).toMatchObject({
      kind: 'upstream_unreachable',
      provider: 'ollama',
    })
    expect(targetOf('ollama/m', 'openai-chat', {}, true).url).toBe('http://localhost:11434/v1')
    const moved = { OLLAMA_BASE_URL: 'https://ollama.example.com' }
    expect(targetOf('ollama/m', 'openai-chat', moved).url).toBe('https://ollama.example.com/v1')
  })
})

describe('a base URL from a variable', () => {
  test.each<[string, string, WireProtocolId, string]>([
    ['openai', 'http://localhost:9000', 'openai-chat', 'http://localhost:9000/v1'],
    ['openai', 'http://localhost:9000/v1', 'openai-responses', 'http://localhost:9000/v1'],
    ['openai', 'http://localhost:9000/x/', 'openai-chat', 'http://localhost:9000/x/v1'],
    ['anthropic', 'https://proxy.example.com/a', 'anthropic', 'https://proxy.example.com/a/v1'],
    ['gemini', 'http://127.0.0.1:1/v1beta', 'openai-chat', 'http://127.0.0.1:1/v1beta/openai'],
    ['gemini', 'http://127.0.0.1:1', 'gemini', 'http://127.0.0.1:1/v1beta'],
    ['bedrock', 'http://localhost:1', 'anthropic', 'http://localhost:1'],
    ['bedrock', 'http://localhost:1/b', 'anthropic', 'http://localhost:1/b'],
    [
      'vertex_ai',
      'http://localhost:1',
      'gemini',
      'http://localhost:1/v1/projects/my-project/locations/global/publishers/google',
    ],
    [
      'workers-ai',
      'http://localhost:1',
      'openai-chat',
      'http://localhost:1/client/v4/accounts/acc%2F1/ai/v1',
    ],
  ])('moves %s to %s: %s', (id, written, wanted, url) => {
    const name = `${id.toUpperCase().replace('-', '_')}_BASE_URL`
    expect(targetOf(`${id}/m`, wanted, { [name]: written }, true).url).toBe(url)
  })

  test('needs no variable of the host that it replaces, and keeps the query', () => {
    const given = { AZURE_BASE_URL: 'https://apim.example.com/llm', AZURE_API_VERSION: '2024-10-21' }
    const all = new Map(Object.entries(given))
    const around = { variable: (one: string) => all.get(one), mayBePrivate: false }
    const target = catalogTarget(rowOf('azure'), 'gpt', 'openai-chat', around)
    expect(operationUrl(target, '/chat/completions', true)).toBe(
      'https://apim.example.com/llm/openai/deployments/gpt/chat/completions?api-version=2024-10-21',
    )
  })

  test.each([
    ['http://localhost:9000', 'ALLOW_PRIVATE_UPSTREAMS'],
    ['http://proxy.example.com', 'must use https'],
    ['nonsense', 'is not a URL'],
    ['https://me:pw@proxy.example.com', 'user name or password'],
  ])('is held to the rule of custom providers: %s', (written, reason) => {
    expect(failureOf(() => targetOf('openai/m', 'openai-chat', { OPENAI_BASE_URL: written }))).toEqual({
      kind: 'provider_not_configured',
      message: expect.stringMatching(new RegExp(`^OPENAI_BASE_URL: .*${reason}`)),
    })
  })
})
