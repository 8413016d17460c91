import { findProvider } from '@pydantic/genai-prices'
import { describe, expect, test } from 'vitest'
import { paths } from '../../src/protocols/paths'
import { catalog, catalogProviderOfModel, findCatalogProvider } from '../../src/providers/catalog'
import type { CatalogProvider } from '../../src/providers/catalog-row'
import { knownModels } from '../../src/providers/known-models'
import models from '../../src/providers/known-models.json'

// Well-known slugs without a provider prefix, and whose they are.
const owners: Record<string, readonly string[]> = {
  openai: [
    'gpt-4o',
    'gpt-4o-mini-2024-07-18',
    'gpt-4.1-nano',
    'gpt-5',
    'gpt-3.5-turbo',
    'gpt-image-1',
    'chatgpt-4o-latest',
    'codex-mini-latest',
    'o1',
    'o3-mini',
    'o4-mini-deep-research',
    'text-embedding-3-small',
    'text-embedding-ada-002',
    'dall-e-3',
    'tts-1-hd',
    'whisper-1',
    'omni-moderation-latest',
  ],
  anthropic: ['claude-3-haiku-20240307', 'claude-sonnet-4-5-20250929', 'claude-opus-4-1'],
  gemini: [
    'gemini-2.5-flash',
    'gemini-3-pro-preview',
    'gemini-embedding-001',
    'gemma-3-27b-it',
    'text-embedding-004',
  ],
  mistral: [
    'mistral-large-latest',
    'open-mistral-nemo',
    'ministral-8b-latest',
    'magistral-medium-2509',
    'codestral-latest',
    'labs-devstral-small-2512',
    'pixtral-large-latest',
  ],
  xai: ['grok-4', 'grok-code-fast-1'],
  deepseek: ['deepseek-chat', 'deepseek-reasoner', 'deepseek-v4-pro'],
  cohere: ['command-a-03-2025', 'command-r', 'embed-v4.0', 'rerank-v3.5'],
  perplexity: ['sonar', 'sonar-pro'],
  moonshot: ['kimi-k2.6', 'moonshot-v1-8k'],
  zai: ['glm-5.2', 'GLM-4.7'],
  dashscope: ['qwen-max', 'qwen3-235b-a22b', 'qwq-32b'],
  minimax: ['MiniMax-M2', 'minimax-m1'],
  ai21: ['jamba-large-1.7'],
  upstage: ['solar-pro3'],
  stepfun: ['step-3.5-flash'],
  inception: ['mercury-2'],
  arcee: ['trinity-large-thinking'],
  groq: ['llama-3.3-70b-versatile', 'llama-3.1-8b-instant', 'whisper-large-v3-turbo'],
  fireworks: ['accounts/fireworks/models/gpt-oss-120b'],
  parasail: ['parasail-gemma3-27b-it'],
  bedrock: [
    'anthropic.claude-sonnet-4-5-20250929-v1:0',
    'us.anthropic.claude-opus-4-1-20250805-v1:0',
    'amazon.nova-pro-v1:0',
    'meta.llama3-3-70b-instruct-v1:0',
  ],
  'workers-ai': ['@cf/meta/llama-3.1-8b-instruct-fp8'],
}
const slugs = Object.entries(owners).flatMap(([id, own]) => own.map((slug) => [slug, id] as const))

describe.each(catalog.map((row) => [row.id, row] as const))('the row %s', (_, row) => {
  test.each(row.endpoints.map((endpoint) => [endpoint.protocol, endpoint] as const))(
    'has a base URL for %s that ends where the path begins, over https unless it is local',
    (_, { baseUrl, protocol }) => {
      const url = new URL(baseUrl.replaceAll(/\{[A-Z][A-Z0-9_]*\}/g, 'x'))
      expect(url.protocol).toBe(row.local === true ? 'http:' : 'https:')
      expect(url.hostname === 'localhost').toBe(row.local === true)
      expect(url.hash).toBe('')
      expect(url.pathname).not.toMatch(/.\/$/)
      const [operation = ''] = paths[protocol]('m', false).slice(1).split('/')
      expect(url.pathname.split('/')).not.toContain(operation)
    },
  )

  test('needs a secret exactly when it has an auth header', () => {
    const wantsNone = row.endpoints.every(({ auth }) => auth.kind === 'none')
    expect(row.secrets.length === 0).toBe(wantsNone)
    for (const secret of row.secrets) expect(secret).toMatch(/^[A-Z][A-Z0-9_]*$/)
  })

  test('has a prefix that a slug can begin with', () => {
    for (const prefix of prefixesOf(row)) expect(prefix).toMatch(/^[a-z0-9][a-z0-9._-]*$/)
  })

  test('is found by its id and by each alias', () => {
    for (const prefix of prefixesOf(row)) expect(findCatalogProvider(prefix)).toBe(row)
  })

  test('recognizes models from their beginning, whatever was tested before', () => {
    const { source, flags } = row.models ?? /^/
    expect(source).toMatch(/^\^/)
    expect(flags).not.toMatch(/[gym]/)
  })

  test('has prices under the id it gives', () => {
    if (row.pricesAs !== undefined) expect(findProvider({ providerId: row.pricesAs })?.id).toBe(row.pricesAs)
  })
})

test("no prefix and no secret belongs to two rows, and none is the demo provider's", () => {
  const prefixes = catalog.flatMap(prefixesOf)
  const secrets = catalog.flatMap((row) => row.secrets)
  expect(new Set(prefixes).size).toBe(prefixes.length)
  expect(new Set(secrets).size).toBe(secrets.length)
  expect(prefixes).not.toContain('demo')
  expect(catalog.length).toBeGreaterThanOrEqual(32)
})

test('an unknown prefix is nobody', () => {
  expect(findCatalogProvider('acme')).toBeUndefined()
  expect(findCatalogProvider('constructor')).toBeUndefined()
})

test.each(slugs)('the bare slug %s belongs to %s alone', (slug, id) => {
  const claims = catalog.filter((row) => row.models?.test(slug)).map((row) => row.id)
  expect(claims).toEqual([id])
  expect(catalogProviderOfModel(slug)?.id).toBe(id)
})

test.each(['gpt-oss-120b', 'qwen3:8b', 'my-gpt-4', 'openai/gpt-4o', 'llama3.2', 'o', 'omni', ''])(
  'the slug "%s" is nobody\'s own',
  (slug) => expect(catalogProviderOfModel(slug)).toBeUndefined(),
)

test('every row that claims slugs is in the list above, which has 60 of them', () => {
  const claiming = catalog.filter((row) => row.models !== undefined).map((row) => row.id)
  expect(claiming.filter((id) => owners[id] === undefined)).toEqual([])
  expect(slugs.length).toBeGreaterThanOrEqual(60)
})

describe('the known models', () => {
  test('are what the generator makes of the catalogue and the prices', async () => {
    // By a computed name: the script is plain JavaScript, which has no types to import.
    const script = '../../scripts/known-models.mjs'
    const generator: { knownModelsText(rows: readonly CatalogProvider[]): string } = await import(script)
    const text = generator.knownModelsText(catalog)
    expect(JSON.parse(text), 'run npm run known-models').toEqual(models)
    expect(text.length).toBeLessThan(72_000)
  })

  test('are there for each provider with prices, sorted and without variants', () => {
    for (const row of catalog.filter(({ pricesAs }) => pricesAs !== undefined)) {
      const own = knownModels(row.id)
      expect(own.length, row.id).toBeGreaterThan(0)
      expect(own).toEqual([...new Set(own)].sort())
      // Numbers behind a colon are a version: those are ids of their own, unlike `:free`.
      expect(own.filter((model) => /:(?!\d+$)/.test(model))).toEqual([])
    }
  })

  test('are in the spelling of the API, and only those of the platform itself', () => {
    expect(knownModels('fireworks')).toContain('accounts/fireworks/models/gpt-oss-120b')
    expect(knownModels('openai')).toContain('gpt-4o-mini')
    expect(knownModels('openai')).not.toContain('gpt-oss-120b')
    expect(knownModels('gemini').filter((model) => model.startsWith('claude'))).toEqual([])
  })

  test('of a provider without a price list, and of nobody, are none', () => {
    expect(knownModels('hyperbolic')).toEqual([])
    expect(knownModels('constructor')).toEqual([])
  })
})

function prefixesOf(row: CatalogProvider): string[] {
  return [row.id, ...(row.aliases ?? [])]
}
