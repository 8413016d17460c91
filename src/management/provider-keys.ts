import { and, eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import * as z from 'zod'
import { type ProviderKeyRow, providerKeys } from '../platform/config-schema'
import { findCatalogProvider } from '../providers/catalog'
import { adminRoutes } from './admin-routes'
import { invalidField, noContent, notFound, pageOf, readJson } from './replies'
import type { ManagementContext } from './route'
import { hasCredential, keyShape, sealedCredential } from './sealed-credential'

const name = z.string().trim().min(1, 'must not be empty').max(200)
const modelList = z.array(z.string().min(1)).min(1, 'must name a model, or be null for none').nullish()

const fields = {
  weight: z.number().positive('must be greater than 0').optional(),
  available_models: modelList,
  exclude_models: modelList,
  ...keyShape,
}
const patchSchema = z.strictObject(fields)
const createSchema = z.strictObject({ provider_id: z.string().min(1), name, ...fields })
type KeyFields = z.infer<typeof patchSchema>

const ITEM = '/api/provider-keys/:id'
const DEFAULT_WEIGHT = 1

/** Further keys of a provider, stored or built in, that share its calls by their weights. */
export const providerKeyRoutes = adminRoutes('/api/provider-keys', ITEM, {
  list,
  create,
  read: async (context) => Response.json(shown(await found(context))),
  change,
  replace,
  remove,
})

async function list({ env, request }: ManagementContext): Promise<Response> {
  const order = [providerKeys.providerId, providerKeys.name]
  const rows = await drizzle(env.CONFIG)
    .select()
    .from(providerKeys)
    .orderBy(...order)
  return pageOf(new URL(request.url), rows.map(shown))
}

/** Upserts by the provider and the name. */
async function create(context: ManagementContext): Promise<Response> {
  const { provider_id: given, name: keyName, ...rest } = await readJson(context.request, createSchema)
  const providerId = await ownId(context, given)
  const [before] = await drizzle(context.env.CONFIG)
    .select()
    .from(providerKeys)
    .where(and(eq(providerKeys.providerId, providerId), eq(providerKeys.name, keyName)))
  return save(context, { providerId, name: keyName, given: rest, before })
}

async function change(context: ManagementContext): Promise<Response> {
  const before = await found(context)
  const given = await readJson(context.request, patchSchema)
  return save(context, { providerId: before.providerId, name: before.name, given, before })
}

/** PUT takes the whole key; what is absent goes back to its default, but for the secret, which nobody can read back. */
async function replace(context: ManagementContext): Promise<Response> {
  const before = await found(context)
  const { providerId, name: keyName } = before
  const schema = createSchema.extend({
    provider_id: z.literal(providerId).optional(),
    name: z.literal(keyName).optional(),
  })
  const { provider_id: _, name: __, ...given } = await readJson(context.request, schema)
  const emptied = { ...before, weight: DEFAULT_WEIGHT, availableModels: null, excludeModels: null }
  return save(context, { providerId, name: keyName, given, before: emptied })
}

async function remove(context: ManagementContext): Promise<Response> {
  const row = await found(context)
  await drizzle(context.env.CONFIG).delete(providerKeys).where(eq(providerKeys.id, row.id))
  await context.isolate.config.refreshed(context.background, 0)
  return noContent()
}

async function save(
  context: ManagementContext,
  change: { providerId: string; name: string; given: KeyFields; before: ProviderKeyRow | undefined },
): Promise<Response> {
  const { env, effects, isolate, background } = context
  const { providerId, name: keyName, given, before } = change
  const nowMs = effects.now()
  const credential =
    before === undefined || hasCredential(given)
      ? await sealedCredential(context, { providerId, given })
      : before.credential
  const row = checked({
    id: before?.id ?? effects.newId(),
    providerId: credential.providerId,
    name: keyName,
    credential,
    weight: given.weight ?? before?.weight ?? DEFAULT_WEIGHT,
    availableModels: givenOr(given.available_models, before?.availableModels),
    excludeModels: givenOr(given.exclude_models, before?.excludeModels),
    createdAtMs: before?.createdAtMs ?? nowMs,
    updatedAtMs: nowMs,
  })
  const { id: _, ...set } = row
  const target = [providerKeys.providerId, providerKeys.name]
  const [saved = row] = await drizzle(env.CONFIG)
    .insert(providerKeys)
    .values(row)
    .onConflictDoUpdate({ target, set })
    .returning()
  await isolate.config.refreshed(background, 0)
  return Response.json(shown(saved), { status: before === undefined ? 201 : 200 })
}

/** A model that is both only allowed and excluded would leave a key that is never used for it, which nobody means. */
function checked(row: ProviderKeyRow): ProviderKeyRow {
  const both = row.excludeModels?.find((model) => row.availableModels?.includes(model))
  if (both === undefined) return row
  throw invalidField('exclude_models', `'${both}' is in available_models as well`)
}

function givenOr(given: string[] | null | undefined, before: string[] | null | undefined): string[] | null {
  return given === undefined ? (before ?? null) : given
}

/** The provider's own id for another name that it goes by; whether there is one is seen when the key is sealed. */
async function ownId({ isolate, background }: ManagementContext, given: string): Promise<string> {
  const { providersById } = await isolate.config.refreshed(background, 0)
  return providersById.has(given) ? given : (findCatalogProvider(given)?.id ?? given)
}

async function found({ env, params }: ManagementContext): Promise<ProviderKeyRow> {
  const [row] = await drizzle(env.CONFIG)
    .select()
    .from(providerKeys)
    .where(eq(providerKeys.id, params.id ?? ''))
  if (row === undefined) throw notFound()
  return row
}

function shown(row: ProviderKeyRow) {
  return {
    id: row.id,
    provider_id: row.providerId,
    name: row.name,
    weight: row.weight,
    available_models: row.availableModels,
    exclude_models: row.excludeModels,
    has_credentials: true,
    hosts: Object.keys(row.credential.sealedByHost),
    ...row.credential.place,
    created_at: new Date(row.createdAtMs).toISOString(),
    updated_at: new Date(row.updatedAtMs).toISOString(),
  }
}
