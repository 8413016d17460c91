import { eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import * as z from 'zod'
import type { Caller } from '../keys/authenticate'
import { SluiceError } from '../platform/failure'
import type { PromptContent } from '../platform/prompt-content'
import { type PromptVersionRow, promptVersions } from '../platform/prompts-schema'
import {
  addVersion,
  changeDraft,
  deploy,
  describeVersion,
  type WholePrompt,
  type Writer,
  wholePrompt,
} from '../prompts/prompt-store'
import {
  changedContent,
  newVersionSchema,
  readTemplates,
  versionPatchSchema,
} from '../prompts/version-fields'
import { adminRoutes } from './admin-routes'
import { foundPrompt, seen } from './prompts'
import { invalidField, noContent, notFound, pageOf, readJson } from './replies'
import type { ManagementContext, ManagementRoute } from './route'
import { shownVersion } from './shown-prompt'

const COLLECTION = '/api/prompts/:prompt/versions'
const commitSchema = z.strictObject({ description: z.string().max(2_000).nullish() })
const deploySchema = z.strictObject({
  version: z.int().positive('must be the number of a version'),
  description: z.string().max(2_000).nullish(),
})

/** Versions of prompts: drafts, commits and deployments. */
export const promptVersionRoutes: ManagementRoute[] = [
  ...adminRoutes(COLLECTION, `${COLLECTION}/:version`, { list, create, read, change, remove }),
  ...adminRoutes('/api/prompts/:prompt/commits', '/api/prompts/:prompt/commits/:version', {
    list: listCommits,
    create: commit,
  }),
  ...adminRoutes('/api/prompts/:prompt/deployments', '/api/prompts/:prompt/deployments/:version', {
    create: deployCommitted,
  }),
]

async function list(context: ManagementContext): Promise<Response> {
  const prompt = await whole(context)
  return pageOf(
    new URL(context.request.url),
    prompt.versions.map((version) => shownVersion(prompt, version)),
  )
}

async function listCommits(context: ManagementContext): Promise<Response> {
  const prompt = await whole(context)
  const committed = prompt.versions.filter(({ committedAtMs }) => committedAtMs !== null)
  return pageOf(
    new URL(context.request.url),
    committed.map((version) => shownVersion(prompt, version)),
  )
}

async function create(context: ManagementContext, caller: Caller): Promise<Response> {
  const row = await foundPrompt(context)
  const given = await readJson(context.request, newVersionSchema)
  const added = await addVersion(context.env, row, {
    id: versionId(context),
    content: checkedContent(changedContent(undefined, given)),
    description: given.description ?? '',
    deploys: given.deploy === true,
    by: writerOf(context, caller),
  })
  return answered(context, added, 201)
}

async function read(context: ManagementContext): Promise<Response> {
  const { prompt, version } = await found(context)
  return Response.json(shownVersion(prompt, version))
}

/** A committed version keeps what it says; it can still be described, and deployed. */
async function change(context: ManagementContext, caller: Caller): Promise<Response> {
  const { env, effects } = context
  const { version } = await found(context)
  const given = await readJson(context.request, versionPatchSchema)
  const content = changedContent(version.content, given)
  const description = given.description === undefined ? version.description : (given.description ?? '')
  const deploys = given.deploy === true
  if (version.committedAtMs === null) {
    const by = writerOf(context, caller)
    const changed = await changeDraft(env, version, {
      content: checkedContent(content),
      ...{ description, deploys, by },
    })
    if (changed === undefined) throw isCommitted(version)
    return answered(context, changed, 200)
  }
  if (JSON.stringify(content) !== JSON.stringify(changedContent(version.content, {})))
    throw isCommitted(version)
  if (description !== version.description) await describeVersion(env, version.id, description)
  if (deploys) await deploy(env, version, effects.now())
  return answered(context, { ...version, description }, 200)
}

async function remove(context: ManagementContext): Promise<Response> {
  const { prompt, version } = await found(context)
  const { row, labels, experiments } = prompt
  if (version.version === row.liveVersion) throw refusal('Cannot delete the currently deployed version')
  const label = labels.find((one) => one.version === version.version)
  if (label !== undefined) throw refusal(`Cannot delete a version that the label '${label.label}' points at`)
  const tried = experiments.find(
    ({ arms, isRunning }) => isRunning && arms.some((arm) => arm.version === version.version),
  )
  if (tried !== undefined)
    throw refusal(`Cannot delete a version of the experiment '${tried.name}' while it runs`)
  await drizzle(context.env.CONFIG).delete(promptVersions).where(eq(promptVersions.id, version.id))
  await seen(context)
  return noContent()
}

/** Commits the draft, and opens the next one with the same words. */
async function commit(context: ManagementContext, caller: Caller): Promise<Response> {
  const prompt = await whole(context)
  const [draft] = prompt.versions
  const { description } = await readJson(context.request, commitSchema)
  if (draft === undefined || draft.committedAtMs !== null)
    throw refusal('There is no draft to commit: make a version first')
  const by = writerOf(context, caller)
  if (typeof description === 'string') await describeVersion(context.env, draft.id, description)
  await addVersion(context.env, prompt.row, {
    ...{ id: versionId(context), content: draft.content, description: '', deploys: false, by },
  })
  return answered(context, draft, 201)
}

async function deployCommitted(context: ManagementContext): Promise<Response> {
  const prompt = await whole(context)
  const { version: number } = await readJson(context.request, deploySchema)
  const version = prompt.versions.find((one) => one.version === number)
  if (version === undefined) throw notFound()
  if (version.committedAtMs === null)
    throw refusal(
      `A newer version must exist to deploy a previous version. For example, to deploy v${number}, v${number + 1} must already exist. Commit the draft first, or deploy it with 'deploy: true'`,
    )
  await deploy(context.env, version, context.effects.now())
  return answered(context, version, 200)
}

async function whole(context: ManagementContext): Promise<WholePrompt> {
  return wholePrompt(context.env, await foundPrompt(context))
}

/** By number, or as `latest`, `draft` or `live`. */
async function found(
  context: ManagementContext,
): Promise<{ prompt: WholePrompt; version: PromptVersionRow }> {
  const prompt = await whole(context)
  const name = context.params.version ?? ''
  const version = prompt.versions.find((one, index) => {
    if (name === 'latest') return index === 0
    if (name === 'draft') return one.committedAtMs === null
    return name === 'live'
      ? one.version === prompt.row.liveVersion
      : String(one.version) === name || one.id === name
  })
  if (version === undefined) throw notFound()
  return { prompt, version }
}

async function answered(
  context: ManagementContext,
  { id }: PromptVersionRow,
  status: number,
): Promise<Response> {
  const prompt = await whole(context)
  await seen(context)
  const version = prompt.versions.find((one) => one.id === id)
  if (version === undefined) throw notFound()
  return Response.json(shownVersion(prompt, version), { status })
}

function checkedContent(content: PromptContent): PromptContent {
  const templates = readTemplates(content)
  if ('problem' in templates) throw invalidField('messages', templates.problem)
  return content
}

function versionId({ effects }: ManagementContext): string {
  return `pv_${effects.newId()}`
}

function writerOf({ effects }: ManagementContext, caller: Caller): Writer {
  return {
    nowMs: effects.now(),
    editorId: caller.apiKeyId ?? null,
    editorName: caller.apiKeyName ?? null,
  }
}

function isCommitted({ version }: PromptVersionRow): SluiceError {
  return refusal(
    `Version ${version} is committed and cannot be changed. Make a new version; 'deploy' and 'description' can be sent alone`,
  )
}

/** A 400 of the management API. */
export function refusal(message: string): SluiceError {
  return new SluiceError({ kind: 'invalid_request', message: `${message}.` })
}
