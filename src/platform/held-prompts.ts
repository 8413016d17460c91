import { sql } from 'drizzle-orm'
import type { drizzle } from 'drizzle-orm/d1'
import type { PromptExperimentRow, PromptLabelRow, PromptRow, PromptVersionRow } from './prompts-schema'
import { promptExperiments, promptLabels, prompts, promptVersions } from './prompts-schema'

/** What is held in memory of prompts: all of them, with the versions that are deployed, labelled or tried out. */
export interface PromptRows {
  prompts: readonly PromptRow[]
  versions: readonly PromptVersionRow[]
  labels: readonly PromptLabelRow[]
  /** Those that run. */
  experiments: readonly PromptExperimentRow[]
}

/** A prompt with what of it is held in memory. */
export interface StoredPrompt {
  row: PromptRow
  versions: ReadonlyMap<number, PromptVersionRow>
  /** Version numbers by label. */
  labels: ReadonlyMap<string, number>
  experiment?: PromptExperimentRow
}

/** Prompts by every name that a request may call them by. */
export interface PromptIndex {
  rows: PromptRows
  byName: ReadonlyMap<string, StoredPrompt>
}

/** No prompt at all. */
export const NO_PROMPTS: PromptIndex = {
  rows: { prompts: [], versions: [], labels: [], experiments: [] },
  byName: new Map(),
}

const IS_SERVED = sql`
  exists (select 1 from prompts p where p.prompt_id = ${promptVersions.promptId} and p.live_version = ${promptVersions.version})
  or exists (select 1 from prompt_labels l where l.prompt_id = ${promptVersions.promptId} and l.version = ${promptVersions.version})
  or exists (
    select 1 from prompt_experiments e, json_each(e.arms) arm
    where e.prompt_id = ${promptVersions.promptId} and e.is_running = 1
      and json_extract(arm.value, '$.version') = ${promptVersions.version}
  )`

/** The queries of prompts; none runs before it is awaited. */
export function promptQueries(database: ReturnType<typeof drizzle>) {
  return {
    prompts: database.select().from(prompts),
    versions: database.select().from(promptVersions).where(IS_SERVED),
    labels: database.select().from(promptLabels),
    experiments: database.select().from(promptExperiments).where(sql`${promptExperiments.isRunning} = 1`),
  }
}

/** Reads all of them at one moment: a version is never without its prompt. */
export async function readPrompts(database: ReturnType<typeof drizzle>): Promise<PromptIndex> {
  const read = promptQueries(database)
  return indexPrompts(
    promptRows(await database.batch([read.prompts, read.versions, read.labels, read.experiments])),
  )
}

/** What the queries of prompts found, in their order. */
export function promptRows([stored, versions, labels, experiments]: [
  PromptRow[],
  PromptVersionRow[],
  PromptLabelRow[],
  PromptExperimentRow[],
]): PromptRows {
  return { prompts: stored, versions, labels, experiments }
}

/** Names in order of strength: an id hides the same word as another prompt's slug, and that hides a name. */
export function indexPrompts(rows: PromptRows): PromptIndex {
  const versions = Map.groupBy(rows.versions, ({ promptId }) => promptId)
  const labels = Map.groupBy(rows.labels, ({ promptId }) => promptId)
  const experiments = new Map(rows.experiments.map((row) => [row.promptId, row]))
  const stored = rows.prompts.map((row) => {
    const experiment = experiments.get(row.promptId)
    return {
      row,
      versions: new Map(versions.get(row.promptId)?.map((version) => [version.version, version])),
      labels: new Map(labels.get(row.promptId)?.map(({ label, version }) => [label, version])),
      ...(experiment === undefined ? {} : { experiment }),
    }
  })
  // An older prompt keeps its name when a newer one is given the same.
  const youngestFirst = [...stored].sort((one, other) => other.row.createdAtMs - one.row.createdAtMs)
  return {
    rows,
    byName: new Map([
      ...youngestFirst.map((prompt) => [prompt.row.name, prompt] as const),
      ...stored.map((prompt) => [prompt.row.slug, prompt] as const),
      ...stored.map((prompt) => [prompt.row.promptId, prompt] as const),
    ]),
  }
}
