import { and, eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import * as z from 'zod'
import { promptLabels } from '../platform/prompts-schema'
import { wholePrompt } from '../prompts/prompt-store'
import { adminRoutes } from './admin-routes'
import { foundPrompt, seen } from './prompts'
import { invalidField, noContent, notFound, pageOf, readJson } from './replies'
import type { ManagementContext } from './route'

const schema = z.strictObject({
  version: z.union([z.int().positive(), z.enum(['latest', 'live'])], 'must be a number, "latest" or "live"'),
})
const NAME = /^[A-Za-z][\w.-]{0,63}$/
const RESERVED = /^(latest|live|draft|v\d+)$/

/** Labels of prompts: names that point at a version, and are moved by hand. */
export const promptLabelRoutes = adminRoutes(
  '/api/prompts/:prompt/labels',
  '/api/prompts/:prompt/labels/:label',
  {
    list,
    read: async (context) => {
      const { label, version, updatedAtMs } = await found(context)
      return Response.json({ label, version, updated_at: new Date(updatedAtMs).toISOString() })
    },
    replace: put,
    remove,
  },
)

async function list(context: ManagementContext): Promise<Response> {
  const { labels } = await wholePrompt(context.env, await foundPrompt(context))
  const shown = labels.map(({ label, version, updatedAtMs }) => ({
    ...{ label, version, updated_at: new Date(updatedAtMs).toISOString() },
  }))
  return pageOf(new URL(context.request.url), shown)
}

async function put(context: ManagementContext): Promise<Response> {
  const { env, effects, params } = context
  const label = params.label ?? ''
  if (!NAME.test(label) || RESERVED.test(label))
    throw invalidField(
      'label',
      "must begin with a letter, have no more than letters, digits, _ . -, and not be 'latest', 'live', 'draft' or a version",
    )
  const prompt = await wholePrompt(env, await foundPrompt(context))
  const { version: wanted } = await readJson(context.request, schema)
  const found = prompt.versions.find(({ version }, index) => {
    if (wanted === 'latest') return index === 0
    return version === (wanted === 'live' ? prompt.row.liveVersion : wanted)
  })
  if (found === undefined) throw invalidField('version', `the prompt has no version ${wanted}`)
  const row = {
    ...{ promptId: prompt.row.promptId, label, version: found.version },
    updatedAtMs: effects.now(),
  }
  await drizzle(env.CONFIG)
    .insert(promptLabels)
    .values(row)
    .onConflictDoUpdate({ target: [promptLabels.promptId, promptLabels.label], set: row })
  await seen(context)
  const isNew = !prompt.labels.some((one) => one.label === label)
  const shown = { label, version: row.version, updated_at: new Date(row.updatedAtMs).toISOString() }
  return Response.json(shown, { status: isNew ? 201 : 200 })
}

async function remove(context: ManagementContext): Promise<Response> {
  const { promptId, label } = await found(context)
  await drizzle(context.env.CONFIG)
    .delete(promptLabels)
    .where(and(eq(promptLabels.promptId, promptId), eq(promptLabels.label, label)))
  await seen(context)
  return noContent()
}

async function found(context: ManagementContext) {
  const { labels } = await wholePrompt(context.env, await foundPrompt(context))
  const row = labels.find(({ label }) => label === context.params.label)
  if (row === undefined) throw notFound()
  return row
}
