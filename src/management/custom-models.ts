import { eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import * as z from 'zod'
import { type ModelRow, models } from '../platform/config-schema'
import { SluiceError } from '../platform/failure'
import { retrySettings, sectionPatches, timeoutSettings } from '../platform/settings'
import { type ModelDetails, modelDetails } from '../routing/model-details'
import { isKnownModelName, modelNames, targetOfProvider } from '../routing/resolve'
import { surroundingsOf } from '../routing/surroundings'
import { adminRoutes } from './admin-routes'
import { noContent, notFound, readJson } from './replies'
import type { ManagementContext } from './route'

const cost = z.number().nonnegative().nullish()
const flag = z.union([z.literal(0), z.literal(1)]).nullish()
const providerRef = z.union([z.string().min(1), z.number().int()]).nullish()

const fields = {
  display_name: z.string().nullish(),
  base_model_name: z.string().min(1).nullish(),
  provider_id: providerRef,
  custom_provider_id: providerRef,
  upstream_model: z.string().min(1).nullish(),
  fallback_models: z.array(z.string().min(1)).nullish(),
  input_cost: cost,
  output_cost: cost,
  cache_hit_input_cost: cost,
  cache_creation_input_cost: cost,
  max_context_window: z.number().int().positive().nullish(),
  ...sectionPatches,
  streaming_support: flag,
  function_call: flag,
  image_support: flag,
  supported_params_override: z.record(z.string(), z.unknown()).nullish(),
}

const patchSchema = z.strictObject(fields)
const createSchema = z.strictObject({ model_name: z.string().trim().min(1).max(200), ...fields })
type ModelFields = z.infer<typeof patchSchema>
const ITEM = '/api/models/:name{.+}'

/** Custom models: a name of one's own for a provider's model, with its prices (compatibility document, A10). */
export const customModelRoutes = adminRoutes('/api/models', ITEM, {
  list,
  create,
  read,
  change,
  replace,
  remove,
})

/** A plain array; with `all=true` also those that are known without being stored. */
async function list({ env, request, isolate, background }: ManagementContext): Promise<Response> {
  const url = new URL(request.url)
  const config = await isolate.config.refreshed(background, 0)
  const stored = [...config.modelsByName.values()].map(shown)
  const around = surroundingsOf(env, config)
  const known = modelNames(around).filter((name) => !config.modelsByName.has(name))
  const rest =
    url.searchParams.get('all') === 'true'
      ? known.map((name) => shownKnown(name, modelDetails(name, around)))
      : []
  const all = [...stored, ...rest].sort((a, b) => a.model_name.localeCompare(b.model_name))
  return Response.json(url.searchParams.get('sort_by') === '-model_name' ? all.reverse() : all)
}

async function read(context: ManagementContext): Promise<Response> {
  return Response.json(shown(await found(context)))
}

async function create(context: ManagementContext): Promise<Response> {
  const { model_name: modelName, ...given } = await readJson(context.request, createSchema)
  return save(context, { modelName, given, before: await byName(context, modelName) })
}

async function change(context: ManagementContext): Promise<Response> {
  const before = await found(context)
  return save(context, {
    modelName: before.modelName,
    given: await readJson(context.request, patchSchema),
    before,
  })
}

/** PUT takes the whole model: a field that is absent is emptied. */
async function replace(context: ManagementContext): Promise<Response> {
  const before = await found(context)
  const schema = z.strictObject({ ...fields, model_name: z.literal(before.modelName).optional() })
  const { model_name: modelName = before.modelName, ...given } = await readJson(context.request, schema)
  const { id, createdAtMs } = before
  return save(context, {
    modelName,
    given,
    before: { ...EMPTY, id, createdAtMs, modelName, updatedAtMs: createdAtMs },
  })
}

async function remove(context: ManagementContext): Promise<Response> {
  const row = await found(context)
  await drizzle(context.env.CONFIG).delete(models).where(eq(models.id, row.id))
  await context.isolate.config.refreshed(context.background, 0)
  return noContent()
}

const EMPTY = {
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
}

async function save(
  context: ManagementContext,
  change: { modelName: string; given: ModelFields; before: ModelRow | undefined },
): Promise<Response> {
  const { env, effects, isolate, background } = context
  const { modelName, given, before } = change
  const nowMs = effects.now()
  const { id: _, ...kept } = before ?? { id: 0, ...EMPTY }
  const row = {
    ...kept,
    ...(await givenRow(context, given)),
    timeouts: changed(timeoutSettings, kept.timeouts, given.timeouts),
    retryParams: changed(retrySettings, kept.retryParams, given.retry_params),
    modelName,
    createdAtMs: before?.createdAtMs ?? nowMs,
    updatedAtMs: nowMs,
  }
  await checkOrigin(context, row)
  const [saved] = await drizzle(env.CONFIG)
    .insert(models)
    .values(row)
    .onConflictDoUpdate({ target: models.modelName, set: row })
    .returning()
  await isolate.config.refreshed(background, 0)
  return Response.json(saved === undefined ? {} : shown(saved), { status: before === undefined ? 201 : 200 })
}

async function givenRow(context: ManagementContext, given: ModelFields): Promise<Partial<ModelRow>> {
  const providerId = await providerIdOf(context, given.provider_id ?? given.custom_provider_id)
  const row = {
    displayName: given.display_name,
    baseModelName: given.base_model_name,
    providerId,
    upstreamModel: given.upstream_model,
    fallbackModels: given.fallback_models,
    inputCost: given.input_cost,
    outputCost: given.output_cost,
    cacheHitInputCost: given.cache_hit_input_cost,
    cacheCreationInputCost: given.cache_creation_input_cost,
    maxContextWindow: given.max_context_window,
    streamingSupport: given.streaming_support,
    functionCall: given.function_call,
    imageSupport: given.image_support,
    supportedParamsOverride: given.supported_params_override,
  }
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined))
}

/** A section of settings with what a change names; null takes a value away, or all of them. */
function changed<Section extends object>(
  schema: z.core.$ZodType<Section>,
  before: Section | null,
  given: Readonly<Record<string, unknown>> | null | undefined,
): Section | null {
  if (given === undefined) return before
  const left = Object.entries({ ...before, ...given }).filter(
    ([, value]) => value !== null && value !== undefined,
  )
  return given === null || left.length === 0 ? null : z.parse(schema, Object.fromEntries(left))
}

/** A provider by slug or, as older clients do, by number. */
async function providerIdOf(
  { isolate, background }: ManagementContext,
  given: string | number | null | undefined,
): Promise<string | null | undefined> {
  if (given === null || given === undefined) return given
  const { providersById } = await isolate.config.refreshed(background, 0)
  const byNumber = [...providersById.values()].find((row) => String(row.id) === String(given))
  return providersById.has(String(given)) ? String(given) : (byNumber?.providerId ?? String(given))
}

/** A model must lead somewhere: to a provider, to a base model, or to a model that its own name means already. */
async function checkOrigin(
  { env, isolate, background }: ManagementContext,
  row: Pick<ModelRow, 'modelName' | 'providerId' | 'baseModelName' | 'upstreamModel'>,
): Promise<void> {
  const around = surroundingsOf(env, await isolate.config.refreshed(background, 0))
  if (row.providerId !== null) {
    if (targetOfProvider(row.providerId, row.upstreamModel ?? row.modelName, around) !== undefined) return
    throw new SluiceError({
      kind: 'validation',
      errors: { provider_id: [`there is no provider '${row.providerId}'; POST it to /api/providers/ first`] },
    })
  }
  const base = row.baseModelName ?? row.upstreamModel ?? row.modelName
  if (base !== row.modelName && around.config.modelsByName.has(base)) return
  if (isKnownModelName(base, around)) return
  if (row.baseModelName !== null)
    throw new SluiceError({
      kind: 'invalid_request',
      code: 'base_model_not_found',
      message: 'Base model not found',
    })
  throw new SluiceError({
    kind: 'validation',
    errors: { provider_id: ['is required, unless base_model_name names a known model'] },
  })
}

async function byName({ env }: ManagementContext, name: string): Promise<ModelRow | undefined> {
  const [row] = await drizzle(env.CONFIG).select().from(models).where(eq(models.modelName, name))
  return row
}

async function found(context: ManagementContext): Promise<ModelRow> {
  const name = context.params.name ?? ''
  const row = await byName(context, name)
  if (row !== undefined) return row
  const config = await context.isolate.config.get(context.background)
  if (!isKnownModelName(name, surroundingsOf(context.env, config))) throw notFound()
  throw new SluiceError({
    kind: 'forbidden',
    message: `'${name}' is built in; POST a model with this model_name to replace it.`,
  })
}

function shown(row: ModelRow) {
  return {
    id: row.modelName,
    model_name: row.modelName,
    display_name: row.displayName ?? row.modelName,
    base_model_name: row.baseModelName,
    provider_id: row.providerId,
    upstream_model: row.upstreamModel ?? row.modelName,
    fallback_models: row.fallbackModels ?? [],
    input_cost: row.inputCost,
    output_cost: row.outputCost,
    cache_hit_input_cost: row.cacheHitInputCost,
    cache_creation_input_cost: row.cacheCreationInputCost,
    max_context_window: row.maxContextWindow,
    timeouts: row.timeouts ?? {},
    retry_params: row.retryParams ?? {},
    streaming_support: row.streamingSupport,
    function_call: row.functionCall,
    image_support: row.imageSupport,
    supported_params_override: row.supportedParamsOverride ?? {},
    affiliation_category: 'custom',
    source: 'db',
    created_at: new Date(row.createdAtMs).toISOString(),
    updated_at: new Date(row.updatedAtMs).toISOString(),
  }
}

function shownKnown(name: string, { contextWindow, inputCost, outputCost, cacheHitInputCost }: ModelDetails) {
  const slash = name.indexOf('/')
  return {
    id: name,
    model_name: name,
    display_name: name,
    provider_id: name.slice(0, slash),
    upstream_model: name.slice(slash + 1),
    input_cost: inputCost ?? null,
    output_cost: outputCost ?? null,
    cache_hit_input_cost: cacheHitInputCost ?? null,
    max_context_window: contextWindow ?? null,
    affiliation_category: 'respan',
    source: 'hardcoded',
  }
}
