import models from './known-models.json'
import { traitsOf } from './model-traits'

/** What is known of a provider's model; prices are US dollars per million tokens, of calls of a usual size. */
export interface KnownModel {
  /** Tokens. */
  contextWindow?: number
  maxOutputTokens?: number
  inputCost?: number
  outputCost?: number
  cacheHitInputCost?: number
}

type Details = readonly (number | null)[]

const byProvider = new Map<string, Record<string, Details>>(Object.entries(models))
const details = new Map<string, ReadonlyMap<string, Details>>()
/** Stands in a list for every region; calls name one. */
const ANY_REGION = 'regional.'

/** The model ids a built-in provider is known to have, sorted; [] where no price list tells. Made by `npm run known-models`. */
export function knownModels(providerId: string): readonly string[] {
  return [...detailsOf(providerId).keys()].filter((model) => !model.startsWith(ANY_REGION))
}

/** What the price list tells of a model under its name at the provider, also with a date behind it; undefined for others. */
export function knownModel(providerId: string, upstreamModel: string): KnownModel | undefined {
  const own = detailsOf(providerId)
  const found = namesOf(upstreamModel).find((name) => own.has(name))
  if (found === undefined) return undefined
  const [contextWindow, inputCost, outputCost, cacheHitInputCost] = own.get(found) ?? []
  const { maxOutputTokens } = traitsOf(upstreamModel)
  const known = { contextWindow, maxOutputTokens, inputCost, outputCost, cacheHitInputCost }
  const told = Object.entries(known).flatMap(([name, value]) =>
    typeof value === 'number' ? [[name, value] as const] : [],
  )
  return Object.fromEntries(told)
}

/** Indexed for the first that asks: most isolates ask for few providers. */
function detailsOf(providerId: string): ReadonlyMap<string, Details> {
  const known = details.get(providerId)
  if (known !== undefined) return known
  const read = new Map(Object.entries(byProvider.get(providerId) ?? {}))
  if (read.size > 0) details.set(providerId, read)
  return read
}

/** The names that a list may have a model by: as it is called, without its date, and of no region in particular. */
function namesOf(model: string): string[] {
  const name = model.toLowerCase()
  const undated = name.replace(/[-@](?:20\d{6}|20\d\d-\d\d-\d\d)$/, '')
  const latest = undated === name ? [] : [undated, `${undated}-latest`]
  const anywhere = name.replace(/^(?:us|eu|apac|jp|au|ca|us-gov)\./, ANY_REGION)
  return [model, name, ...latest, ...(anywhere === name ? [] : [anywhere])]
}
