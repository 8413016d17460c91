/**
 * Writes src/providers/known-models.json: the model ids of each catalogue provider that has a price list
 * in @pydantic/genai-prices. Run it (`npm run known-models`, Node 22.18 or later) after either changes.
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { findProvider } from '@pydantic/genai-prices'

const lineWidth = 110
const maxBytes = 40_000

/** The text of known-models.json for these catalogue rows; throws when the prices or the size do not fit. */
export function knownModelsText(catalog) {
  const priced = catalog.filter((row) => row.pricesAs !== undefined)
  const entries = priced.map((row) => [row.id, modelIds(row)]).sort(([a], [b]) => compare(a, b))
  const text = `{\n${entries.map(([id, models]) => formatEntry(id, models)).join(',\n')}\n}\n`
  // The worker carries this file in every isolate.
  if (text.length > maxBytes) throw new Error(`known-models.json has ${text.length} of ${maxBytes} bytes`)
  return text
}

function modelIds(row) {
  const prices = findProvider({ providerId: row.pricesAs })
  // The look-up is fuzzy: it also finds a provider whose name merely contains the id.
  if (prices?.id !== row.pricesAs) throw new Error(`${row.id}: no prices as ${row.pricesAs}`)
  const slugs = prices.models.filter((model) => !model.deprecated).map((model) => slugOf(model, prices))
  return [...new Set(slugs)].filter((slug) => isCallable(slug, row)).sort(compare)
}

// Some price lists name a model without the path that the provider's API wants; the match rule then has it.
function slugOf(model, prices) {
  const path = prices.model_match?.starts_with
  if (!path?.endsWith('/') || model.id.startsWith(path)) return model.id
  const rules = model.match.or ?? [model.match]
  return rules.find((rule) => rule.equals?.startsWith(path))?.equals ?? model.id
}

// Left out: variants of a listed model (`:free`), patterns for fine-tunes (`gpt-4o-mini.ft-`), and, where the
// row says which bare slugs are its own, the names of a sister platform that share the price list.
function isCallable(slug, row) {
  if (slug.includes(':') || slug.endsWith('-')) return false
  return row.models === undefined || slug.includes('/') || row.models.test(slug)
}

// As `biome format` lays JSON out, so that a format check leaves the file alone.
function formatEntry(id, models) {
  const items = models.map((model) => JSON.stringify(model))
  const line = `  ${JSON.stringify(id)}: [${items.join(', ')}]`
  if (line.length < lineWidth) return line
  return `  ${JSON.stringify(id)}: [\n${items.map((item) => `    ${item}`).join(',\n')}\n  ]`
}

// By code unit: the same order on every machine, whatever its locale.
function compare(a, b) {
  return a < b ? -1 : a > b ? 1 : 0
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { catalog } = await import('../src/providers/catalog.ts')
  writeFileSync(new URL('../src/providers/known-models.json', import.meta.url), knownModelsText(catalog))
}
