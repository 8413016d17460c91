import { and, desc, eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import * as z from 'zod'
import { newKeyText } from '../keys/key-text'
import { type ApiKeyRow, apiKeys } from '../platform/config-schema'
import { sha256Hex } from '../platform/encryption'
import { adminRoutes } from './admin-routes'
import { inlineLimitsOf, limitFields, shownKeyLimits } from './inline-limits'
import { noContent, notFound, pageOfShown, readJson } from './replies'
import type { ManagementContext } from './route'

const fields = {
  name: z.string().trim().min(1, 'must not be empty').max(200),
  expires_at: z.iso
    .datetime({ offset: true, error: 'must be an ISO 8601 time such as 2027-01-31T00:00:00Z' })
    .nullish(),
  allowed_models: z.array(z.string().min(1)).min(1, 'must name a model, or be null to allow all').nullish(),
  require_parameters: z.boolean().optional(),
  cache_scope: z.enum(['organization', 'api_key']).optional(),
  unknown_price: z.enum(['block', 'warn']).nullish(),
  log_bodies: z.enum(['all', 'none', 'errors']).nullish(),
  ...limitFields,
}

const createSchema = z.strictObject({
  ...fields,
  role: z.enum(['inference', 'admin']).default('inference'),
  environment: z.enum(['prod', 'test']).default('prod'),
})
const patchSchema = z.strictObject({
  ...fields,
  name: fields.name.optional(),
  revoked: z.literal(true, 'can only be set to true: a revoked key stays revoked').optional(),
})
const ITEM = '/api/api-keys/:id'

/** API keys of this gateway: shown once, stored as a hash. */
export const apiKeyRoutes = adminRoutes('/api/api-keys', ITEM, {
  list,
  create,
  read: async (context) => Response.json(await shown(context, await found(context))),
  change,
  replace: change,
  remove: revoke,
})

async function list(context: ManagementContext): Promise<Response> {
  const { env, request } = context
  const rows = await drizzle(env.CONFIG)
    .select()
    .from(apiKeys)
    .where(eq(apiKeys.isTemporary, false))
    .orderBy(desc(apiKeys.createdAtMs))
  return pageOfShown(new URL(request.url), rows, (page) =>
    Promise.all(page.map((row) => shown(context, row))),
  )
}

async function create(context: ManagementContext): Promise<Response> {
  const { env, effects, isolate, background } = context
  const given = await readJson(context.request, createSchema)
  const { key, prefix } = newKeyText()
  const nowMs = effects.now()
  const row = {
    id: effects.newId(),
    name: given.name,
    prefix,
    hash: await sha256Hex(key),
    role: given.role,
    environment: given.environment,
    allowedModels: given.allowed_models ?? null,
    requireParameters: given.require_parameters ?? false,
    unknownPrice: given.unknown_price ?? null,
    logBodies: given.log_bodies ?? null,
    expiresAtMs: timeOf(given.expires_at) ?? null,
    revokedAtMs: null,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
    limits: inlineLimitsOf(given) ?? null,
    isTemporary: false,
    cacheScope: given.cache_scope ?? 'organization',
  }
  await drizzle(env.CONFIG).insert(apiKeys).values(row)
  await isolate.config.refreshed(background, 0)
  return Response.json({ ...(await shown(context, row)), api_key: key }, { status: 201 })
}

async function change(context: ManagementContext): Promise<Response> {
  const before = await found(context)
  const given = await readJson(context.request, patchSchema)
  const nowMs = context.effects.now()
  const expiresAtMs = timeOf(given.expires_at)
  const limits = inlineLimitsOf(given)
  const set = {
    ...(given.name === undefined ? {} : { name: given.name }),
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
    ...(given.allowed_models === undefined ? {} : { allowedModels: given.allowed_models }),
    ...(given.require_parameters === undefined ? {} : { requireParameters: given.require_parameters }),
    ...(given.cache_scope === undefined ? {} : { cacheScope: given.cache_scope }),
    ...(given.unknown_price === undefined ? {} : { unknownPrice: given.unknown_price }),
    ...(given.log_bodies === undefined ? {} : { logBodies: given.log_bodies }),
    ...(limits === undefined ? {} : { limits }),
    ...(given.revoked === true ? { revokedAtMs: before.revokedAtMs ?? nowMs } : {}),
    updatedAtMs: nowMs,
  }
  return Response.json(await shown(context, await update(context, before, set)))
}

/** The row stays, so that its logs keep their owner's name and the key its honest error. */
async function revoke(context: ManagementContext): Promise<Response> {
  const before = await found(context)
  const nowMs = context.effects.now()
  await update(context, before, { revokedAtMs: before.revokedAtMs ?? nowMs, updatedAtMs: nowMs })
  return noContent()
}

async function update(
  { env, isolate, background }: ManagementContext,
  before: ApiKeyRow,
  set: Partial<ApiKeyRow>,
): Promise<ApiKeyRow> {
  await drizzle(env.CONFIG).update(apiKeys).set(set).where(eq(apiKeys.id, before.id))
  await isolate.config.refreshed(background, 0)
  return { ...before, ...set }
}

async function found({ env, params }: ManagementContext): Promise<ApiKeyRow> {
  const [row] = await drizzle(env.CONFIG)
    .select()
    .from(apiKeys)
    .where(and(eq(apiKeys.id, params.id ?? ''), eq(apiKeys.isTemporary, false)))
  if (row === undefined) throw notFound()
  return row
}

function timeOf(text: string | null | undefined): number | null | undefined {
  return text === null || text === undefined ? text : Date.parse(text)
}

async function shown(context: ManagementContext, row: ApiKeyRow) {
  return {
    id: row.id,
    name: row.name,
    prefix: row.prefix,
    role: row.role,
    environment: row.environment,
    allowed_models: row.allowedModels,
    require_parameters: row.requireParameters,
    cache_scope: row.cacheScope,
    unknown_price: row.unknownPrice,
    log_bodies: row.logBodies,
    limits: await shownKeyLimits(context, row),
    expires_at: isoOrNull(row.expiresAtMs),
    revoked: row.revokedAtMs !== null,
    revoked_at: isoOrNull(row.revokedAtMs),
    created_at: new Date(row.createdAtMs).toISOString(),
    updated_at: new Date(row.updatedAtMs).toISOString(),
  }
}

function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString()
}
