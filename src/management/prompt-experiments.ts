import { eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import * as z from 'zod'
import { SluiceError } from '../platform/failure'
import type { ExperimentArm } from '../platform/prompt-content'
import { type PromptExperimentRow, promptExperiments } from '../platform/prompts-schema'
import { type WholePrompt, wholePrompt } from '../prompts/prompt-store'
import { adminRoutes } from './admin-routes'
import { foundPrompt, seen } from './prompts'
import { invalidField, noContent, notFound, pageOf, readJson } from './replies'
import type { ManagementContext } from './route'
import { shownExperiment } from './shown-prompt'

const arm = z.strictObject({
  version: z.int().positive('must be the number of a version'),
  weight: z.number().gt(0, 'Weight has to be greater than 0').default(1),
})
const fields = {
  name: z.string().trim().min(1, 'must not be empty').max(200),
  versions: z.array(arm).min(1, 'must name at least one version').max(20),
  sticky_by: z.enum(['customer', 'thread', 'request']),
  status: z.enum(['running', 'stopped']),
}
const createSchema = z.strictObject({
  ...fields,
  sticky_by: fields.sticky_by.default('customer'),
  status: fields.status.default('running'),
})
const patchSchema = z.strictObject(fields).partial()
const COLLECTION = '/api/prompts/:prompt/experiments'

/** Experiments: versions of a prompt that share the requests which ask for no version. */
export const promptExperimentRoutes = adminRoutes(COLLECTION, `${COLLECTION}/:experiment`, {
  list,
  create,
  read: async (context) => Response.json(shownExperiment((await found(context)).row)),
  change,
  remove,
})

async function list(context: ManagementContext): Promise<Response> {
  const { experiments } = await wholePrompt(context.env, await foundPrompt(context))
  return pageOf(new URL(context.request.url), experiments.map(shownExperiment))
}

async function create(context: ManagementContext): Promise<Response> {
  const { env, effects } = context
  const prompt = await wholePrompt(env, await foundPrompt(context))
  const given = await readJson(context.request, createSchema)
  const nowMs = effects.now()
  const row: PromptExperimentRow = {
    id: `pe_${effects.newId()}`,
    promptId: prompt.row.promptId,
    name: given.name,
    stickyBy: given.sticky_by,
    arms: checkedArms(prompt, given.versions),
    isRunning: given.status === 'running',
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  }
  refuseSecond(prompt, row)
  await drizzle(env.CONFIG).insert(promptExperiments).values(row)
  await seen(context)
  return Response.json(shownExperiment(row), { status: 201 })
}

async function change(context: ManagementContext): Promise<Response> {
  const { prompt, row: before } = await found(context)
  const given = await readJson(context.request, patchSchema)
  const row = {
    ...before,
    name: given.name ?? before.name,
    stickyBy: given.sticky_by ?? before.stickyBy,
    arms: given.versions === undefined ? before.arms : checkedArms(prompt, given.versions),
    isRunning: given.status === undefined ? before.isRunning : given.status === 'running',
    updatedAtMs: context.effects.now(),
  }
  if (row.isRunning) checkedArms(prompt, row.arms)
  refuseSecond(prompt, row)
  await drizzle(context.env.CONFIG).update(promptExperiments).set(row).where(eq(promptExperiments.id, row.id))
  await seen(context)
  return Response.json(shownExperiment(row))
}

async function remove(context: ManagementContext): Promise<Response> {
  const { row } = await found(context)
  await drizzle(context.env.CONFIG).delete(promptExperiments).where(eq(promptExperiments.id, row.id))
  await seen(context)
  return noContent()
}

// A draft would be another version tomorrow, under the same number.
function checkedArms({ versions }: WholePrompt, arms: readonly ExperimentArm[]): ExperimentArm[] {
  for (const [index, { version }] of arms.entries()) {
    const row = versions.find((one) => one.version === version)
    const at = `versions.${index}.version`
    if (row === undefined) throw invalidField(at, `the prompt has no version ${version}`)
    if (row.committedAtMs === null) throw invalidField(at, `version ${version} is a draft: commit it first`)
    if (arms.findIndex((one) => one.version === version) !== index)
      throw invalidField(at, `version ${version} is named twice`)
  }
  return [...arms]
}

function refuseSecond({ experiments }: WholePrompt, { id, isRunning }: PromptExperimentRow): void {
  const other = experiments.find((one) => one.isRunning && one.id !== id)
  if (!isRunning || other === undefined) return
  const message = `The experiment '${other.name}' (${other.id}) runs already. Stop it first.`
  throw new SluiceError({ kind: 'conflict', message })
}

async function found(context: ManagementContext): Promise<{ prompt: WholePrompt; row: PromptExperimentRow }> {
  const prompt = await wholePrompt(context.env, await foundPrompt(context))
  const row = prompt.experiments.find(({ id }) => id === context.params.experiment)
  if (row === undefined) throw notFound()
  return { prompt, row }
}
