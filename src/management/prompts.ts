import { count, eq, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import * as z from 'zod'
import { SluiceError } from '../platform/failure'
import { type PromptRow, prompts, promptVersions } from '../platform/prompts-schema'
import { headsOf, promptById, removePrompt, wholePrompt } from '../prompts/prompt-store'
import { adminRoutes } from './admin-routes'
import { invalidField, listed, noContent, notFound, pagingOf, readJson } from './replies'
import type { ManagementContext, ManagementRoute } from './route'
import { shownPrompt } from './shown-prompt'

const fields = {
  name: z.string().trim().min(1, 'must not be empty').max(200),
  description: z.string().max(2_000).nullish(),
  prompt_slug: z
    .string()
    .regex(
      /^[A-Za-z0-9][\w.-]{0,99}$/,
      'must begin with a letter or digit, and have no more than letters, digits, _ . -',
    )
    .optional(),
  tags: z.array(z.string().min(1)).nullish(),
  starred: z.boolean().optional(),
}
const createSchema = z.strictObject(fields)
const patchSchema = z.strictObject(fields).partial()
const ITEM = '/api/prompts/:prompt'
const MAX_PAGE_SIZE = 100

/** Stored prompts, in Respan's words. */
export const promptRoutes: ManagementRoute[] = [
  ...adminRoutes('/api/prompts', ITEM, { list, create, read, change, replace: change, remove }),
  { method: 'GET', paths: ['/api/prompts/list'], auth: 'admin', logging: 'none', handle: list },
  { method: 'POST', paths: ['/api/prompts/list'], auth: 'admin', logging: 'none', handle: list },
  { method: 'GET', paths: ['/api/prompts/summary'], auth: 'admin', logging: 'none', handle: summary },
]

/** The prompt of a path. */
export async function foundPrompt({ env, params }: ManagementContext): Promise<PromptRow> {
  const row = await promptById(env, params.prompt ?? '')
  if (row === undefined) throw notFound()
  return row
}

/** Lets this isolate see a change of a prompt at once. */
export async function seen({ isolate, background }: ManagementContext): Promise<void> {
  await isolate.config.refreshed(background, 0)
}

const ORDERS: Readonly<
  Record<string, typeof prompts.updatedAtMs | typeof prompts.createdAtMs | typeof prompts.name>
> = {
  current_version__updated_at: prompts.updatedAtMs,
  updated_at: prompts.updatedAtMs,
  id: prompts.createdAtMs,
  created_at: prompts.createdAtMs,
  name: prompts.name,
}

async function list({ env, request }: ManagementContext): Promise<Response> {
  const url = new URL(request.url)
  const { page, pageSize } = pagingOf(url, 50)
  if (pageSize > MAX_PAGE_SIZE) throw invalidField('page_size', `must be ${MAX_PAGE_SIZE} at most`)
  const sortBy = url.searchParams.get('sort_by') ?? '-current_version__updated_at'
  const order = ORDERS[sortBy.replace(/^-/, '')]
  if (order === undefined) throw invalidField('sort_by', `must be one of ${Object.keys(ORDERS).join(', ')}`)
  const database = drizzle(env.CONFIG)
  const direction = sortBy.startsWith('-') ? sql`desc` : sql`asc`
  const [[total], rows] = await database.batch([
    database.select({ count: count() }).from(prompts),
    database
      .select()
      .from(prompts)
      .orderBy(sql`${order} ${direction}`, prompts.promptId)
      .limit(pageSize)
      .offset((page - 1) * pageSize),
  ])
  const shown = (await headsOf(env, rows)).map((prompt) => shownPrompt(prompt, false))
  return listed(url, { count: total?.count ?? 0, page, pageSize, results: shown })
}

/** Upserts by the slug, when one is given. */
async function create(context: ManagementContext): Promise<Response> {
  const { env, effects } = context
  const given = await readJson(context.request, createSchema)
  const { name, prompt_slug: slug, ...others } = given
  const before = slug === undefined ? undefined : await promptById(env, slug)
  if (before !== undefined && before.slug === slug) return changed(context, before, { name, ...others })
  const nowMs = effects.now()
  const row: PromptRow = {
    promptId: effects.newId().slice(-12),
    slug: slug ?? (await freeSlug(context, name)),
    name,
    description: given.description ?? '',
    tags: given.tags ?? [],
    starred: given.starred ?? false,
    liveVersion: null,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  }
  await drizzle(env.CONFIG).insert(prompts).values(row)
  await seen(context)
  return Response.json(shownPrompt({ row, versions: [], labels: [], experiments: [] }, true), { status: 201 })
}

async function read(context: ManagementContext): Promise<Response> {
  return Response.json(shownPrompt(await wholePrompt(context.env, await foundPrompt(context)), true))
}

async function change(context: ManagementContext): Promise<Response> {
  const before = await foundPrompt(context)
  return changed(context, before, await readJson(context.request, patchSchema))
}

async function changed(
  context: ManagementContext,
  before: PromptRow,
  given: z.infer<typeof patchSchema>,
): Promise<Response> {
  const { env, effects } = context
  const { prompt_slug: slug = before.slug } = given
  const other = slug === before.slug ? undefined : await promptById(env, slug)
  if (other !== undefined && other.promptId !== before.promptId) {
    const message = `The prompt '${other.promptId}' has the slug '${slug}' already.`
    throw new SluiceError({ kind: 'conflict', param: 'prompt_slug', message })
  }
  const row = {
    ...before,
    slug,
    name: given.name ?? before.name,
    description: given.description === undefined ? before.description : (given.description ?? ''),
    tags: given.tags === undefined ? before.tags : (given.tags ?? []),
    starred: given.starred ?? before.starred,
    updatedAtMs: effects.now(),
  }
  await drizzle(env.CONFIG).update(prompts).set(row).where(eq(prompts.promptId, before.promptId))
  await seen(context)
  return Response.json(shownPrompt(await wholePrompt(env, row), true))
}

async function remove(context: ManagementContext): Promise<Response> {
  const row = await foundPrompt(context)
  await removePrompt(context.env, row)
  await seen(context)
  return noContent()
}

async function summary({ env }: ManagementContext): Promise<Response> {
  const database = drizzle(env.CONFIG)
  const [[all], [live], [versions]] = await database.batch([
    database.select({ count: count() }).from(prompts),
    database.select({ count: count(prompts.liveVersion) }).from(prompts),
    database.select({ count: count() }).from(promptVersions),
  ])
  return Response.json({
    total_prompts: all?.count ?? 0,
    deployed_prompts: live?.count ?? 0,
    total_versions: versions?.count ?? 0,
  })
}

/** The name in small letters and hyphens, with a number behind it when another prompt has that. */
async function freeSlug({ env }: ManagementContext, name: string): Promise<string> {
  const words = name
    .toLowerCase()
    .normalize('NFKD')
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
    .slice(0, 80)
  const base = words === '' ? 'prompt' : words
  const taken = await drizzle(env.CONFIG).select({ slug: prompts.slug }).from(prompts)
  const slugs = new Set(taken.map(({ slug }) => slug))
  if (!slugs.has(base)) return base
  let number = 2
  while (slugs.has(`${base}-${number}`)) number++
  return `${base}-${number}`
}
