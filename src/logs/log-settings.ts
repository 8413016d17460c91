import { eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import { settings } from '../platform/config-schema'
import { effectiveSettings } from '../platform/settings'

const ONLY_ID = 1
const FRESH_MS = 60_000

/** What is set for the log store. */
export type LogSettings = Pick<ReturnType<typeof effectiveSettings>, 'retention' | 'logging'>

let known: { settings: LogSettings; readAtMs: number } | undefined

/** What is set for the log store, at most a minute old; the defaults without the configuration's database. */
export async function logSettings(config: D1Database | undefined): Promise<LogSettings> {
  const nowMs = Date.now()
  if (config === undefined) return effectiveSettings({})
  if (known !== undefined && nowMs - known.readAtMs < FRESH_MS) return known.settings
  const read = await readLogSettings(config).catch(() => undefined)
  // Logs are not held up by a configuration that cannot be read.
  known = { settings: read ?? known?.settings ?? effectiveSettings({}), readAtMs: nowMs }
  return known.settings
}

/** The same as it is now. */
export async function readLogSettings(config: D1Database): Promise<LogSettings> {
  const [row] = await drizzle(config).select().from(settings).where(eq(settings.id, ONLY_ID))
  return effectiveSettings(row?.value ?? {})
}
