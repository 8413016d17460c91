import { modelRow, providerRow, surroundings } from './config-rows'

/** What priced models cost here. */
export const PRICES = { inputCost: 1, outputCost: 2, cacheHitInputCost: null, cacheCreationInputCost: null }

/** Providers and models of every kind, working and broken. */
export const around = surroundings({
  providers: [
    providerRow('acme'),
    providerRow('bare', { baseUrl: 'https://bare.example' }),
    providerRow('whole', { baseUrl: 'https://whole.example/x/chat/completions?v=1' }),
    providerRow('keyed', {
      sealedApiKey: 'sealed-key',
      sealedHeaders: 'sealed-headers',
      timeoutMs: 7_000,
      defaults: { temperature: 0.5 },
    }),
    providerRow('inside', { baseUrl: 'https://10.0.0.1/v1' }),
    providerRow('later', { protocols: ['smoke-signals'] }),
    providerRow('groq', { baseUrl: 'https://own-groq.example/v1' }),
  ],
  models: [
    modelRow('plain', { providerId: 'acme' }),
    modelRow('renamed', { providerId: 'acme', upstreamModel: 'acme-large-2' }),
    modelRow('priced', { providerId: 'acme', ...PRICES }),
    modelRow('hosted', { providerId: 'openai', upstreamModel: 'gpt-4o-2024-08-06' }),
    modelRow('orphan', { providerId: 'gone' }),
    modelRow('based', { baseModelName: 'openai/gpt-4o' }),
    modelRow('based-on-slug', { baseModelName: 'gpt-4o' }),
    modelRow('based-on-upstream', { upstreamModel: 'gpt-4o' }),
    modelRow('based-on-custom', { baseModelName: 'priced' }),
    modelRow('based-on-based', { baseModelName: 'based-on-custom' }),
    modelRow('based-and-priced', { baseModelName: 'priced', inputCost: 9, outputCost: 9 }),
    modelRow('based-on-nothing', { baseModelName: 'no-such-model' }),
    modelRow('gpt-4o-mini', PRICES),
    modelRow('circle-a', { baseModelName: 'circle-b' }),
    modelRow('circle-b', { baseModelName: 'circle-a' }),
    modelRow('openai/gpt-4.1', { providerId: 'acme', upstreamModel: 'other' }),
    modelRow('team/llama', { providerId: 'acme' }),
  ],
  variables: { AZURE_OPENAI_RESOURCE: 'my res/ource', OPENAI_API_KEY: 'k', PERPLEXITY_API_KEY: 'k' },
})
