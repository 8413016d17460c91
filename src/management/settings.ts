import { eq, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import { type SettingsRow, settings } from '../platform/config-schema'
import { effectiveSettings, settingsPatchSchema } from '../platform/settings'
import { problemWithPattern } from '../redaction/custom-pattern'
import { providerOfModel } from '../routing/model-problem'
import { surroundingsOf } from '../routing/surroundings'
import { invalidField, readJson } from './replies'
import type { ManagementContext, ManagementRoute } from './route'

const ONLY_ID = 1

/** What holds for every request that does not say otherwise. */
export const settingsRoutes: ManagementRoute[] = [
  { method: 'GET', paths: ['/api/settings'], auth: 'admin', logging: 'none', handle: read },
  { method: 'PATCH', paths: ['/api/settings'], auth: 'admin', logging: 'none', handle: change },
]

async function read({ env }: ManagementContext): Promise<Response> {
  const [row] = await drizzle(env.CONFIG).select().from(settings).where(eq(settings.id, ONLY_ID))
  return Response.json(shown(row))
}

/** Merged by the database itself (JSON Merge Patch), so that two changes at the same time are both kept. */
async function change(context: ManagementContext): Promise<Response> {
  const { env, effects, isolate, background } = context
  const given = await readJson(context.request, settingsPatchSchema)
  await checkModels(context, given.fallback_models ?? [])
  checkPatterns(given.redaction?.custom_patterns ?? [])
  const updatedAtMs = effects.now()
  const patch = JSON.stringify(given)
  const [row] = await drizzle(env.CONFIG)
    .insert(settings)
    .values({ id: ONLY_ID, value: sql`json_patch('{}', ${patch})`, updatedAtMs })
    .onConflictDoUpdate({
      target: settings.id,
      set: { value: sql`json_patch(${settings.value}, ${patch})`, updatedAtMs },
    })
    .returning()
  await isolate.config.refreshed(background, 0)
  return Response.json(shown(row))
}

async function checkModels(
  { env, isolate, background }: ManagementContext,
  names: readonly string[],
): Promise<void> {
  const around = surroundingsOf(env, await isolate.config.refreshed(background, 0))
  for (const [index, name] of names.entries()) {
    const found = providerOfModel(name, around)
    if ('problem' in found) throw invalidField(`fallback_models.${index}`, found.problem)
  }
}

function checkPatterns(patterns: readonly { pattern: string }[]): void {
  for (const [index, { pattern }] of patterns.entries()) {
    const problem = problemWithPattern(pattern)
    if (problem !== undefined) throw invalidField(`redaction.custom_patterns.${index}.pattern`, problem)
  }
}

function shown(row: SettingsRow | undefined) {
  return {
    ...effectiveSettings(row?.value ?? {}),
    updated_at: row === undefined ? null : new Date(row.updatedAtMs).toISOString(),
  }
}
