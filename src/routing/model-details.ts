import type { ModelRow } from '../platform/config-schema'
import { SluiceError } from '../platform/failure'
import { findCatalogProvider } from '../providers/catalog'
import { type KnownModel, knownModel } from '../providers/known-models'
import { traitsOf } from '../providers/model-traits'
import { resolveModel, type Surroundings } from './resolve'

/** What is known of a model by the name that requests have for it. */
export interface ModelDetails extends KnownModel {
  /** Each is there when it is known to be so or not. */
  capabilities: Readonly<Record<string, boolean>>
}

const MAX_BASE_DEPTH = 5

/** The price list's word on a model, and over it what its owner wrote. Pure. */
export function modelDetails(name: string, around: Surroundings): ModelDetails {
  const row = around.config.modelsByName.get(name)
  if (row === undefined) return listed(placeOfSlug(name, around) ?? placeOf(name, around), around)
  return lineage(row, around).reduce(overlaid, listed(placeOf(name, around), around))
}

function listed({ providerId, upstreamModel }: Place, around: Surroundings): ModelDetails {
  const known = around.config.providersById.has(providerId)
    ? undefined
    : knownModel(providerId, upstreamModel)
  const { maxOutputTokens, reasoning, hasStructuredOutput } = traitsOf(upstreamModel)
  const capabilities = {
    ...(reasoning === undefined ? {} : { reasoning: reasoning !== 'none' }),
    ...(hasStructuredOutput === undefined ? {} : { structured_output: hasStructuredOutput }),
    ...(known?.cacheHitInputCost === undefined ? {} : { prompt_caching: true }),
  }
  return { ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }), ...known, capabilities }
}

interface Place {
  providerId: string
  upstreamModel: string
}

/** `{provider}/{model}` of a built-in provider, which most names in a list are, without working out its URL. */
function placeOfSlug(name: string, around: Surroundings) {
  const slash = name.indexOf('/')
  const prefix = name.slice(0, Math.max(0, slash))
  const provider = around.config.providersById.has(prefix) ? undefined : findCatalogProvider(prefix)
  return provider === undefined
    ? undefined
    : { providerId: provider.id, upstreamModel: name.slice(slash + 1) }
}

function placeOf(name: string, around: Surroundings): Place {
  try {
    return resolveModel(name, around)
  } catch (cause) {
    if (cause instanceof SluiceError) return { providerId: '', upstreamModel: name }
    throw cause
  }
}

/** A custom model after those that it is based on. */
function lineage(row: ModelRow, around: Surroundings): ModelRow[] {
  const rows = [row]
  for (let depth = 0; depth < MAX_BASE_DEPTH; depth++) {
    const [first] = rows
    if (first === undefined || first.providerId !== null) break
    const base = around.config.modelsByName.get(first.baseModelName ?? first.upstreamModel ?? first.modelName)
    if (base === undefined || rows.includes(base)) break
    rows.unshift(base)
  }
  return rows
}

/** Own prices overrule the others as a whole, as they do where calls are priced. */
function overlaid(below: ModelDetails, row: ModelRow): ModelDetails {
  const { contextWindow, maxOutputTokens, capabilities, ...prices } = below
  const hasOwnPrices = row.inputCost !== null || row.outputCost !== null
  const { inputCost, outputCost, cacheHitInputCost } = row
  const flags = { streaming: row.streamingSupport, function_call: row.functionCall, image: row.imageSupport }
  return {
    ...filled({ contextWindow: row.maxContextWindow ?? contextWindow, maxOutputTokens }),
    ...filled(hasOwnPrices ? { inputCost, outputCost, cacheHitInputCost } : prices),
    capabilities: {
      ...capabilities,
      ...Object.fromEntries(Object.entries(filled(flags)).map(([name, flag]) => [name, flag === 1])),
    },
  }
}

function filled(numbers: Record<string, number | null | undefined>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(numbers).flatMap(([name, value]) => (typeof value === 'number' ? [[name, value]] : [])),
  )
}
