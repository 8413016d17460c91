/**
 * Writes src/providers/known-models.json: for each catalogue provider that has a price list in
 * @pydantic/genai-prices its models, and of each model [context window in tokens, and US dollars per million
 * tokens of input, output and input read from a cache], as far as the list tells; null is a gap, and what is not
 * known at the end is left out. Run it (`npm run known-models`, Node 22.18 or later) after either changes.
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { findProvider } from '@pydantic/genai-prices'

const maxBytes = 72_000
// Some prices have a day from which they hold. A fixed day makes the file the same whenever it is written.
const pricesOn = '2026-11-21'

/** The text of known-models.json for these catalogue rows; throws when the prices or the size do not fit. */
export function knownModelsText(catalog) {
  const priced = catalog.filter((row) => row.pricesAs !== undefined)
  const entries = priced.map((row) => [row.id, modelsOf(row)]).sort(([a], [b]) => compare(a, b))
  const text = `{\n${entries.map(([id, models]) => formatEntry(id, models)).join(',\n')}\n}\n`
  // The worker carries this file in every isolate.
  if (text.length > maxBytes) throw new Error(`known-models.json has ${text.length} of ${maxBytes} bytes`)
  return text
}

function modelsOf(row) {
  const prices = findProvider({ providerId: row.pricesAs })
  // The look-up is fuzzy: it also finds a provider whose name merely contains the id.
  if (prices?.id !== row.pricesAs) throw new Error(`${row.id}: no prices as ${row.pricesAs}`)
  const models = prices.models
    .filter((model) => !model.deprecated)
    .map((model) => [slugOf(model, prices), detailsOf(model)])
    .filter(([slug]) => isCallable(slug, row))
    .sort(([a], [b]) => compare(a, b))
  // Of two entries with one slug the first counts, as it does where calls are priced.
  return models.filter(([slug], index) => index === 0 || models[index - 1][0] !== slug)
}

function detailsOf(model) {
  const { input_mtok, output_mtok, cache_read_mtok } = pricesOf(model)
  const prices = [input_mtok, output_mtok, cache_read_mtok].map((price) => price?.base ?? price ?? null)
  const details = [model.context_window ?? null, ...prices]
  return details.slice(0, details.findLastIndex((detail) => detail !== null) + 1)
}

// The last that holds at all hours on the day.
function pricesOf({ prices }) {
  if (!Array.isArray(prices)) return prices
  const holds = ({ constraint }) =>
    constraint === undefined || (constraint.type === 'start_date' && constraint.start_date <= pricesOn)
  return prices.findLast(holds)?.prices ?? {}
}

// Some price lists name a model without the path that the provider's API wants; the match rule then has it.
function slugOf(model, prices) {
  const path = prices.model_match?.starts_with
  if (!path?.endsWith('/') || model.id.startsWith(path)) return model.id
  const rules = model.match.or ?? [model.match]
  return rules.find((rule) => rule.equals?.startsWith(path))?.equals ?? model.id
}

// Left out: variants of a listed model (`:free`, but not versions such as `-v1:0`), patterns for fine-tunes
// (`gpt-4o-mini.ft-`), and, where the row says which bare slugs are its own, the names of a sister platform that share
// the price list.
function isCallable(slug, row) {
  if (/:(?!\d+$)/.test(slug) || slug.endsWith('-')) return false
  // A list names an inference profile of any region so; calls name the region.
  const called = slug.replace(/^regional\./, 'us.')
  return row.models === undefined || slug.includes('/') || row.models.test(called)
}

// As `biome format` lays JSON out, so that a format check leaves the file alone.
function formatEntry(id, models) {
  const lines = models.map(
    ([slug, details]) => `    ${JSON.stringify(slug)}: [${details.map(String).join(', ')}]`,
  )
  return `  ${JSON.stringify(id)}: {\n${lines.join(',\n')}\n  }`
}

// By code unit: the same order on every machine, whatever its locale.
function compare(a, b) {
  return a < b ? -1 : a > b ? 1 : 0
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { catalog } = await import('../src/providers/catalog.ts')
  writeFileSync(new URL('../src/providers/known-models.json', import.meta.url), knownModelsText(catalog))
}
