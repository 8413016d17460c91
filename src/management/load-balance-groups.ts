import { eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import * as z from 'zod'
import { type BalancedModel, type LoadBalanceGroupRow, loadBalanceGroups } from '../platform/config-schema'
import { providerOfModel } from '../routing/model-problem'
import { surroundingsOf } from '../routing/surroundings'
import { adminRoutes } from './admin-routes'
import { invalidField, noContent, notFound, pageOf, readJson } from './replies'
import type { ManagementContext } from './route'
import { keyShape, sealedCredential } from './sealed-credential'

const memberSchema = z.strictObject({
  model: z.string().min(1, 'must not be empty'),
  weight: z.number().positive('must be greater than 0').default(1),
  credentials: z.strictObject(keyShape).nullish(),
  /** As a read shows it: true without credentials keeps those that are stored. */
  has_credentials: z.boolean().optional(),
})
const fields = {
  name: z.string().trim().min(1, 'must not be empty').max(200),
  models: z.array(memberSchema).min(1, 'must name at least one model'),
}
const createSchema = z.strictObject({
  group_id: z.string().trim().min(1, 'must not be empty').max(200),
  name: fields.name.optional(),
  models: fields.models,
})
const patchSchema = z.strictObject({ name: fields.name.optional(), models: fields.models.optional() })

type Member = z.infer<typeof memberSchema>
interface GroupFields {
  name?: string | undefined
  models?: Member[] | undefined
}
const ITEM = '/api/load-balance-groups/:group{.+}'

/** Groups of models that share requests by their weights. */
export const loadBalanceGroupRoutes = adminRoutes('/api/load-balance-groups', ITEM, {
  list,
  create,
  read: async (context) => Response.json(shown(await found(context))),
  change,
  replace,
  remove,
})

async function list({ env, request }: ManagementContext): Promise<Response> {
  const rows = await drizzle(env.CONFIG).select().from(loadBalanceGroups).orderBy(loadBalanceGroups.groupId)
  return pageOf(new URL(request.url), rows.map(shown))
}

/** Upserts by the group's id. */
async function create(context: ManagementContext): Promise<Response> {
  const { group_id: groupId, ...given } = await readJson(context.request, createSchema)
  return save(context, { groupId, given, before: await byId(context, groupId) })
}

async function change(context: ManagementContext): Promise<Response> {
  const before = await found(context)
  return save(context, {
    groupId: before.groupId,
    given: await readJson(context.request, patchSchema),
    before,
  })
}

/** PUT takes the whole group: without a name it has its id's. */
async function replace(context: ManagementContext): Promise<Response> {
  const before = await found(context)
  const { groupId } = before
  const schema = createSchema.extend({ group_id: z.literal(groupId).optional() })
  const { group_id: _, ...given } = await readJson(context.request, schema)
  return save(context, { groupId, given, before: { ...before, name: groupId } })
}

async function remove(context: ManagementContext): Promise<Response> {
  const { groupId } = await found(context)
  await drizzle(context.env.CONFIG).delete(loadBalanceGroups).where(eq(loadBalanceGroups.groupId, groupId))
  await context.isolate.config.refreshed(context.background, 0)
  return noContent()
}

async function save(
  context: ManagementContext,
  change: { groupId: string; given: GroupFields; before: LoadBalanceGroupRow | undefined },
): Promise<Response> {
  const { env, effects, isolate, background } = context
  const { groupId, given, before } = change
  const nowMs = effects.now()
  const kept = before?.models ?? []
  const row = {
    groupId,
    name: given.name ?? before?.name ?? groupId,
    models: given.models === undefined ? kept : await membersOf(context, given.models, kept),
    createdAtMs: before?.createdAtMs ?? nowMs,
    updatedAtMs: nowMs,
  }
  await drizzle(env.CONFIG)
    .insert(loadBalanceGroups)
    .values(row)
    .onConflictDoUpdate({ target: loadBalanceGroups.groupId, set: row })
  await isolate.config.refreshed(background, 0)
  return Response.json(shown(row), { status: before === undefined ? 201 : 200 })
}

async function membersOf(
  context: ManagementContext,
  given: readonly Member[],
  before: readonly BalancedModel[],
): Promise<BalancedModel[]> {
  const { env, isolate, background } = context
  const around = surroundingsOf(env, await isolate.config.refreshed(background, 0))
  const stored = before.filter(({ sealedCredentials }) => sealedCredentials !== undefined)
  const members: BalancedModel[] = []
  for (const [index, { model, weight, credentials, has_credentials: keeps }] of given.entries()) {
    const at = `models.${index}`
    const found = providerOfModel(model, around)
    if ('problem' in found) throw invalidField(`${at}.model`, found.problem)
    const asked = { providerId: found.providerId, at: `${at}.credentials` }
    if (credentials !== undefined && credentials !== null) {
      const sealedCredentials = await sealedCredential(context, { ...asked, given: credentials })
      members.push({ model, weight, sealedCredentials })
    } else if (keeps === true) {
      const place = stored.findIndex((member) => member.model === model)
      const [same] = place === -1 ? [] : stored.splice(place, 1)
      if (same === undefined)
        throw invalidField(`${at}.has_credentials`, `no credentials are stored for '${model}': give them`)
      members.push({ ...same, weight })
    } else members.push({ model, weight })
  }
  return members
}

async function byId({ env }: ManagementContext, groupId: string): Promise<LoadBalanceGroupRow | undefined> {
  const [row] = await drizzle(env.CONFIG)
    .select()
    .from(loadBalanceGroups)
    .where(eq(loadBalanceGroups.groupId, groupId))
  return row
}

async function found(context: ManagementContext): Promise<LoadBalanceGroupRow> {
  const row = await byId(context, context.params.group ?? '')
  if (row === undefined) throw notFound()
  return row
}

function shown(row: LoadBalanceGroupRow) {
  return {
    id: row.groupId,
    group_id: row.groupId,
    name: row.name,
    models: row.models.map(({ model, weight, sealedCredentials }) => ({
      model,
      weight,
      has_credentials: sealedCredentials !== undefined,
    })),
    created_at: new Date(row.createdAtMs).toISOString(),
    updated_at: new Date(row.updatedAtMs).toISOString(),
  }
}
