import type { Config } from '../../src/platform/config'
import type { ModelRow, ProviderRow } from '../../src/platform/config-schema'
import { SluiceError } from '../../src/platform/failure'
import { NO_PROMPTS } from '../../src/platform/held-prompts'
import type { Surroundings } from '../../src/routing/resolve'

/** A custom model's row, empty but for its name and what is given. */
export function modelRow(modelName: string, given: Partial<ModelRow> = {}): ModelRow {
  return {
    id: 1,
    modelName,
    displayName: null,
    baseModelName: null,
    providerId: null,
    upstreamModel: null,
    fallbackModels: null,
    inputCost: null,
    outputCost: null,
    cacheHitInputCost: null,
    cacheCreationInputCost: null,
    maxContextWindow: null,
    timeouts: null,
    retryParams: null,
    streamingSupport: null,
    functionCall: null,
    imageSupport: null,
    supportedParamsOverride: null,
    createdAtMs: 0,
    updatedAtMs: 0,
    ...given,
  }
}

/** A custom provider's row, without a key. */
export function providerRow(providerId: string, given: Partial<ProviderRow> = {}): ProviderRow {
  return {
    id: 1,
    providerId,
    providerName: providerId,
    baseUrl: `https://${providerId}.example/v1`,
    protocols: ['openai-chat'],
    sealedApiKey: null,
    sealedHeaders: null,
    headerNames: null,
    timeoutMs: null,
    defaults: null,
    createdAtMs: 0,
    updatedAtMs: 0,
    ...given,
  }
}

/** What is configured, around a name that is to be resolved. */
export function surroundings(given: {
  models?: ModelRow[]
  providers?: ProviderRow[]
  variables?: Record<string, string>
  mayBePrivate?: boolean
}): Surroundings {
  const { models = [], providers = [], variables = {}, mayBePrivate = false } = given
  const config: Config = {
    versions: {},
    apiKeysByHash: new Map(),
    providersById: new Map(providers.map((row) => [row.providerId, row])),
    modelsByName: new Map(models.map((row) => [row.modelName, row])),
    limits: [],
    providerKeys: new Map(),
    loadBalanceGroupsById: new Map(),
    settings: {},
    customersById: new Map(),
    cacheGenerations: new Map(),
    prompts: NO_PROMPTS,
  }
  return { config, mayBePrivate, variable: (name) => new Map(Object.entries(variables)).get(name) }
}

/** The failure that an action throws; undefined when it throws nothing. */
export function failureOf(action: () => unknown) {
  try {
    action()
  } catch (cause) {
    if (cause instanceof SluiceError) return cause.failure
    throw cause
  }
  return undefined
}
