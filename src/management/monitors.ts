import { eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import { openChannel } from '../alerts/channel'
import { measure } from '../alerts/measure'
import { isMet, valueOf } from '../alerts/monitor'
import { forgetMonitor, type MonitorState, monitorDetails, readMonitorStates } from '../alerts/run-monitors'
import { send } from '../alerts/send'
import { type AlertChannelRow, alertChannels, type MonitorRow, monitors } from '../platform/config-schema'
import { adminRoutes } from './admin-routes'
import { checkedMonitor, monitorPatchSchema, monitorSchema } from './monitor-fields'
import { invalidField, noContent, notFound, pageOf, readJson } from './replies'
import type { ManagementContext, ManagementRoute } from './route'

const ITEM = '/api/monitors/:id'

/** Conditions on the logs of the last minutes, and who is told when they begin and cease to hold. */
export const monitorRoutes: ManagementRoute[] = [
  ...adminRoutes('/api/monitors', ITEM, { list, create, read, change, remove }),
  ...(['pause', 'resume'] as const).map(
    (word): ManagementRoute => ({
      ...{ method: 'POST', paths: [`${ITEM}/${word}`], auth: 'admin', logging: 'none' },
      handle: (context) => setPaused(context, word === 'pause'),
    }),
  ),
  { method: 'POST', paths: [`${ITEM}/test`], auth: 'admin', logging: 'none', handle: test },
]

async function list({ env, request }: ManagementContext): Promise<Response> {
  const rows = await drizzle(env.CONFIG).select().from(monitors).orderBy(monitors.name)
  const states = await readMonitorStates(env)
  return pageOf(
    new URL(request.url),
    rows.map((row) => shown(row, states.get(row.id))),
  )
}

async function read(context: ManagementContext): Promise<Response> {
  return answer(context, await found(context))
}

/** Upserts by name; what the monitor has found stays. */
async function create(context: ManagementContext): Promise<Response> {
  const { env, effects } = context
  const given = checkedMonitor(await readJson(context.request, monitorSchema))
  const [before] = await drizzle(env.CONFIG).select().from(monitors).where(eq(monitors.name, given.name))
  await refuseUnknownChannels(context, given.channels)
  const nowMs = effects.now()
  const row: MonitorRow = {
    ...given,
    id: before?.id ?? effects.newId(),
    createdAtMs: before?.createdAtMs ?? nowMs,
    updatedAtMs: nowMs,
  }
  await drizzle(env.CONFIG)
    .insert(monitors)
    .values(row)
    .onConflictDoUpdate({ target: monitors.name, set: row })
  return answer(context, row, before === undefined ? 201 : 200)
}

async function change(context: ManagementContext): Promise<Response> {
  const before = await found(context)
  const patch = await readJson(context.request, monitorPatchSchema)
  const { id, createdAtMs, isPaused, windowMinutes } = before
  const { name, metric, aggregation, filters, comparison, threshold, channels } = before
  const given = checkedMonitor(
    monitorSchema.parse({
      ...{ name, metric, aggregation, filters, comparison, threshold, channels },
      ...{ is_paused: isPaused, window_minutes: windowMinutes },
      ...patch,
    }),
  )
  await refuseUnknownChannels(context, given.channels)
  return answer(
    context,
    await stored(context, { ...given, id, createdAtMs, updatedAtMs: context.effects.now() }),
  )
}

async function setPaused(context: ManagementContext, isPaused: boolean): Promise<Response> {
  const before = await found(context)
  return answer(context, await stored(context, { ...before, isPaused, updatedAtMs: context.effects.now() }))
}

async function remove(context: ManagementContext): Promise<Response> {
  const { id } = await found(context)
  await drizzle(context.env.CONFIG).delete(monitors).where(eq(monitors.id, id))
  await forgetMonitor(context.env, id)
  return noContent()
}

/** Looks now, without a change of state, and sends a test to whom the monitor tells. */
async function test(context: ManagementContext): Promise<Response> {
  const { env, effects } = context
  const monitor = await found(context)
  const nowMs = effects.now()
  const value = valueOf(monitor, await measure(env.LOGS, monitor, nowMs))
  const rows = (await drizzle(env.CONFIG).select().from(alertChannels)).filter((row) => tells(monitor, row))
  const event = {
    id: `alert_${effects.newId()}`,
    kind: 'test' as const,
    createdAtMs: nowMs,
    details: monitorDetails(monitor, value),
  }
  const deliveries = await Promise.all(
    rows.map(async (row) => {
      const sent = await send(env, await openChannel(env.ENCRYPTION_KEY, row), event)
      return {
        channel_id: row.id,
        delivered: sent.kind === 'sent',
        error: sent.kind === 'sent' ? null : sent.reason,
      }
    }),
  )
  return Response.json({ value, is_met: isMet(monitor, value), deliveries })
}

function tells({ channels }: MonitorRow, { id, isPaused, events }: AlertChannelRow): boolean {
  if (isPaused) return false
  return channels === null ? events === null || events.includes('monitor.firing') : channels.includes(id)
}

async function refuseUnknownChannels({ env }: ManagementContext, channels: string[] | null): Promise<void> {
  if (channels === null) return
  const known = new Set((await drizzle(env.CONFIG).select().from(alertChannels)).map(({ id }) => id))
  const unknown = channels.filter((id) => !known.has(id))
  if (unknown.length > 0) throw invalidField('channels', `are not all there: ${unknown.join(', ')}`)
}

async function stored({ env }: ManagementContext, row: MonitorRow): Promise<MonitorRow> {
  await drizzle(env.CONFIG).update(monitors).set(row).where(eq(monitors.id, row.id))
  return row
}

async function found({ env, params }: ManagementContext): Promise<MonitorRow> {
  const [row] = await drizzle(env.CONFIG)
    .select()
    .from(monitors)
    .where(eq(monitors.id, params.id ?? ''))
  if (row === undefined) throw notFound()
  return row
}

async function answer({ env }: ManagementContext, row: MonitorRow, status = 200): Promise<Response> {
  const states = await readMonitorStates(env)
  return Response.json(shown(row, states.get(row.id)), { status })
}

function shown(row: MonitorRow, state: MonitorState | undefined) {
  return {
    id: row.id,
    name: row.name,
    metric: row.metric,
    aggregation: row.aggregation,
    filters: row.filters,
    comparison: row.comparison,
    threshold: row.threshold,
    window_minutes: row.windowMinutes,
    channels: row.channels,
    is_paused: row.isPaused,
    state: state?.state ?? 'ok',
    since: isoOrNull(state?.sinceMs),
    value: state?.value ?? null,
    evaluated_at: isoOrNull(state?.evaluatedAtMs),
    created_at: new Date(row.createdAtMs).toISOString(),
    updated_at: new Date(row.updatedAtMs).toISOString(),
  }
}

function isoOrNull(ms: number | undefined): string | null {
  return ms === undefined || ms === 0 ? null : new Date(ms).toISOString()
}
