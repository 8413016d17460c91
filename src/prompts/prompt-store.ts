import { and, desc, eq, isNull, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import type { Env } from '../platform/env'
import type { PromptContent } from '../platform/prompt-content'
import {
  type PromptExperimentRow,
  type PromptLabelRow,
  type PromptRow,
  type PromptVersionRow,
  promptExperiments,
  promptLabels,
  prompts,
  promptVersions,
} from '../platform/prompts-schema'

/** A prompt with all that belongs to it. */
export interface WholePrompt {
  row: PromptRow
  /** The newest first. */
  versions: PromptVersionRow[]
  labels: PromptLabelRow[]
  experiments: PromptExperimentRow[]
}

/** Who writes, and when. */
export interface Writer {
  nowMs: number
  editorId: string | null
  editorName: string | null
}

/** A prompt by its id or slug. */
export async function promptById(
  { CONFIG }: Pick<Env, 'CONFIG'>,
  name: string,
): Promise<PromptRow | undefined> {
  const rows = await drizzle(CONFIG)
    .select()
    .from(prompts)
    .where(sql`${prompts.promptId} = ${name} or ${prompts.slug} = ${name}`)
  return rows.find(({ promptId }) => promptId === name) ?? rows[0]
}

/** Everything of a prompt. */
export async function wholePrompt({ CONFIG }: Pick<Env, 'CONFIG'>, row: PromptRow): Promise<WholePrompt> {
  const database = drizzle(CONFIG)
  const own = row.promptId
  const [versions, labels, experiments] = await database.batch([
    database
      .select()
      .from(promptVersions)
      .where(eq(promptVersions.promptId, own))
      .orderBy(desc(promptVersions.version)),
    database.select().from(promptLabels).where(eq(promptLabels.promptId, own)).orderBy(promptLabels.label),
    database
      .select()
      .from(promptExperiments)
      .where(eq(promptExperiments.promptId, own))
      .orderBy(desc(promptExperiments.createdAtMs)),
  ])
  return { row, versions, labels, experiments }
}

/** The newest and the live version of some prompts, and their labels. */
export async function headsOf(
  { CONFIG }: Pick<Env, 'CONFIG'>,
  rows: readonly PromptRow[],
): Promise<WholePrompt[]> {
  const database = drizzle(CONFIG)
  const ids = sql`(select value from json_each(${JSON.stringify(rows.map(({ promptId }) => promptId))}))`
  const [versions, labels] = await database.batch([
    database
      .select()
      .from(promptVersions)
      .where(
        sql`${promptVersions.promptId} in ${ids} and (
          ${promptVersions.version} = (select max(v.version) from prompt_versions v where v.prompt_id = ${promptVersions.promptId})
          or ${promptVersions.version} = (select p.live_version from prompts p where p.prompt_id = ${promptVersions.promptId}))`,
      )
      .orderBy(desc(promptVersions.version)),
    database.select().from(promptLabels).where(sql`${promptLabels.promptId} in ${ids}`),
  ])
  const versionsOf = Map.groupBy(versions, ({ promptId }) => promptId)
  const labelsOf = Map.groupBy(labels, ({ promptId }) => promptId)
  return rows.map((row) => ({
    row,
    versions: versionsOf.get(row.promptId) ?? [],
    labels: labelsOf.get(row.promptId) ?? [],
    experiments: [],
  }))
}

/** Adds a version behind the newest one, which is a draft no longer; live at once when it is to be deployed. */
export async function addVersion(
  { CONFIG }: Pick<Env, 'CONFIG'>,
  prompt: PromptRow,
  given: { id: string; content: PromptContent; description: string; deploys: boolean; by: Writer },
): Promise<PromptVersionRow> {
  const { id, content, description, deploys, by } = given
  const { nowMs } = by
  const database = drizzle(CONFIG)
  const own = prompt.promptId
  const newest = sql<number>`(select coalesce(max(version), 0) from prompt_versions where prompt_id = ${own})`
  const [, [added]] = await database.batch([
    commitDrafts(database, own, nowMs),
    database
      .insert(promptVersions)
      .values({
        ...{ id, promptId: own, content, description },
        version: sql`${newest} + 1`,
        ...{ editorId: by.editorId, editorName: by.editorName },
        committedAtMs: deploys ? nowMs : null,
        ...{ createdAtMs: nowMs, updatedAtMs: nowMs },
      })
      .returning(),
    database
      .update(prompts)
      .set(deploys ? { liveVersion: newest, updatedAtMs: nowMs } : { updatedAtMs: nowMs })
      .where(eq(prompts.promptId, own)),
  ])
  if (added === undefined) throw new Error('The database did not return the version that it stored.')
  return added
}

/** Changes a draft, and deploys it when that is wanted; what was committed meanwhile stays as it is. */
export async function changeDraft(
  { CONFIG }: Pick<Env, 'CONFIG'>,
  before: PromptVersionRow,
  given: { content: PromptContent; description: string; deploys: boolean; by: Writer },
): Promise<PromptVersionRow | undefined> {
  const { content, description, deploys, by } = given
  const { nowMs, editorId, editorName } = by
  const database = drizzle(CONFIG)
  const [[changed]] = await database.batch([
    database
      .update(promptVersions)
      .set({
        ...{ content, description, editorId, editorName, updatedAtMs: nowMs },
        ...(deploys ? { committedAtMs: nowMs } : {}),
      })
      .where(and(eq(promptVersions.id, before.id), isNull(promptVersions.committedAtMs)))
      .returning(),
    database
      .update(prompts)
      .set({
        ...(deploys ? { liveVersion: before.version } : {}),
        updatedAtMs: nowMs,
      })
      .where(eq(prompts.promptId, before.promptId)),
  ])
  return changed
}

/** Describes a version that is not changed any more. */
export async function describeVersion(
  { CONFIG }: Pick<Env, 'CONFIG'>,
  id: string,
  description: string,
): Promise<void> {
  await drizzle(CONFIG).update(promptVersions).set({ description }).where(eq(promptVersions.id, id))
}

/** Makes a version the live one; a draft among them is committed by that. */
export async function deploy(
  { CONFIG }: Pick<Env, 'CONFIG'>,
  version: PromptVersionRow,
  nowMs: number,
): Promise<void> {
  const database = drizzle(CONFIG)
  await database.batch([
    database
      .update(promptVersions)
      .set({ committedAtMs: nowMs })
      .where(and(eq(promptVersions.id, version.id), isNull(promptVersions.committedAtMs))),
    database
      .update(prompts)
      .set({ liveVersion: version.version, updatedAtMs: nowMs })
      .where(eq(prompts.promptId, version.promptId)),
  ])
}

/** Removes a prompt with all that belongs to it. */
export async function removePrompt({ CONFIG }: Pick<Env, 'CONFIG'>, { promptId }: PromptRow): Promise<void> {
  const database = drizzle(CONFIG)
  await database.batch([
    database.delete(promptExperiments).where(eq(promptExperiments.promptId, promptId)),
    database.delete(promptLabels).where(eq(promptLabels.promptId, promptId)),
    database.delete(promptVersions).where(eq(promptVersions.promptId, promptId)),
    database.delete(prompts).where(eq(prompts.promptId, promptId)),
  ])
}

function commitDrafts(database: ReturnType<typeof drizzle>, promptId: string, nowMs: number) {
  return database
    .update(promptVersions)
    .set({ committedAtMs: nowMs })
    .where(and(eq(promptVersions.promptId, promptId), isNull(promptVersions.committedAtMs)))
}
