import * as z from 'zod/mini'
import { decoded, PROMPT_VERSION } from '../platform/config-sections'
import type { Env } from '../platform/env'
import type { PromptVersionRow } from '../platform/prompts-schema'

/** A draft changes; what is committed does not, but may be deleted. */
const DRAFT_MS = 5_000
const COMMITTED_MS = 10 * 60_000
const MAX_ENTRIES = 200

/** Versions that nothing points at, as this isolate has read them. */
export interface VersionCache {
  /** What is known of a version and young enough. */
  held(promptId: string, version: number | 'latest'): PromptVersionRow | undefined
  /** Reads a version; when the database is away, an older copy does. Undefined when there is none. */
  load(promptId: string, version: number | 'latest'): Promise<PromptVersionRow | undefined>
  /** Reads everything again: a prompt was changed. */
  forgetAll(): void
}

interface Entry {
  row: PromptVersionRow
  readAtMs: number
}

/** Empty at first, and never larger than a few hundred versions. */
export function createVersionCache(env: Env, now: () => number): VersionCache {
  const entries = new Map<string, Entry>()
  const keyOf = (promptId: string, version: number | 'latest') => `${promptId} ${version}`
  return {
    held(promptId, version) {
      const entry = entries.get(keyOf(promptId, version))
      if (entry === undefined) return undefined
      const isDraft = version === 'latest' || entry.row.committedAtMs === null
      return now() - entry.readAtMs < (isDraft ? DRAFT_MS : COMMITTED_MS) ? entry.row : undefined
    },
    async load(promptId, version) {
      const key = keyOf(promptId, version)
      const readAtMs = now()
      const known = entries.get(key)
      try {
        const row = await read(env, promptId, version)
        entries.delete(key)
        if (row === undefined) return undefined
        const [oldest] = entries.keys()
        if (entries.size >= MAX_ENTRIES && oldest !== undefined) entries.delete(oldest)
        // A row that says the same stays the same object: what was made of it is kept by it.
        const kept = known?.row.updatedAtMs === row.updatedAtMs && known.row.id === row.id ? known.row : row
        entries.set(key, { row: kept, readAtMs })
        return kept
      } catch (cause) {
        if (known === undefined) throw cause
        return known.row
      }
    },
    forgetAll() {
      entries.clear()
    },
  }
}

async function read(
  { CONFIG }: Pick<Env, 'CONFIG'>,
  promptId: string,
  version: number | 'latest',
): Promise<PromptVersionRow | undefined> {
  const which = version === 'latest' ? '' : 'and version = ?2'
  const found = await CONFIG.prepare(
    `${PROMPT_VERSION.sql} where prompt_id = ?1 ${which} order by version desc limit 1`,
  )
    .bind(...(version === 'latest' ? [promptId] : [promptId, version]))
    .first<Record<string, unknown>>()
  return found === null ? undefined : rowSchema.parse(decoded(found, PROMPT_VERSION))
}

const rowSchema = z.custom<PromptVersionRow>((value) => typeof value === 'object' && value !== null)
