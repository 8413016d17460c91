import type { PromptExperimentRow, PromptLabelRow, PromptRow, PromptVersionRow } from './prompts-schema'

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
