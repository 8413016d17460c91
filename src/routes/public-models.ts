import { catalog } from '../providers/catalog'
import type { CatalogProvider } from '../providers/catalog-row'
import { credentialFieldNames } from '../providers/credential-fit'
import { knownModel, knownModels } from '../providers/known-models'
import type { OpenRoute } from './route'

/** Nothing in it depends on who asks or on what is configured, and it changes with a release alone. */
const CACHE_CONTROL = 'public, max-age=3600'
let text: string | undefined

/** Every known model of every built-in provider, in Respan's shape (compatibility document, A10). */
export const publicModels: OpenRoute = {
  method: 'GET',
  paths: ['/api/models/public'],
  auth: 'none',
  logging: 'none',
  async handle() {
    text ??= JSON.stringify({ models: catalog.flatMap(modelsOf) })
    return new Response(text, {
      headers: { 'content-type': 'application/json', 'cache-control': CACHE_CONTROL },
    })
  },
}

function modelsOf(row: CatalogProvider) {
  const provider = {
    provider_name: row.name,
    provider_id: row.id,
    // Whether a provider moderates is not known here, and the gateway itself does not.
    moderation: null,
    credential_fields: credentialFieldNames(row),
  }
  return knownModels(row.id).map((model) => {
    const { contextWindow, inputCost, outputCost } = knownModel(row.id, model) ?? {}
    return {
      model_name: `${row.id}/${model}`,
      max_context_window: contextWindow ?? null,
      input_cost: inputCost ?? null,
      output_cost: outputCost ?? null,
      rate_limit: null,
      provider,
    }
  })
}
