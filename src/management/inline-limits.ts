import * as z from 'zod'
import { policiesOf } from '../limits/applied-limits'
import { limitsOfKey } from '../limits/inline'
import { shownValue, WINDOWS } from '../limits/policy'
import { standingsOf } from '../limits/standings'
import type { InlineLimit, LimitRow } from '../platform/config-schema'
import { invalidField } from './replies'
import type { ManagementContext } from './route'

const INLINE_METRICS = ['cost', 'requests', 'tokens', 'concurrency'] as const
const PERIODS = ['hour', 'day', 'week', 'month'] as const
const usd = z.number().nonnegative('must be 0 US dollars or more')

/** Limits as part of another noun, and the names that another gateway has for limits on cost. */
export const limitFields = {
  limits: z
    .array(
      z.strictObject({
        name: z.string().trim().min(1).max(200).optional(),
        metric: z.enum(INLINE_METRICS),
        window: z.enum(WINDOWS).optional(),
        value: z.number().nonnegative('must be 0 or more'),
        action: z.enum(['warn', 'block']).default('block'),
      }),
    )
    .max(20, 'must be 20 limits or fewer')
    .nullish(),
  /** US dollars, for ever. */
  usageLimit: usd.nullish(),
  /** US dollars in each period. */
  periodUsageLimit: usd.nullish(),
  periodUsageDurationValue: z.literal(1, 'must be 1: periods are those of the calendar').nullish(),
  periodUsageDurationUnit: z.enum(PERIODS).nullish(),
}

type GivenLimits = z.infer<z.ZodObject<typeof limitFields>>

/** The limits that were given under any name; undefined when none was, null to take them away. */
export function inlineLimitsOf(given: GivenLimits): InlineLimit[] | null | undefined {
  const { limits, usageLimit, periodUsageLimit, periodUsageDurationUnit: unit } = given
  if (limits === undefined && usageLimit === undefined && periodUsageLimit === undefined) return undefined
  if (typeof periodUsageLimit === 'number' && (unit === undefined || unit === null))
    throw invalidField('periodUsageDurationUnit', `is required: ${PERIODS.join(', ')}`)
  const all = [
    ...(limits ?? []).map((limit, index) => ({ ...limit, window: windowOf(limit, index) })),
    ...(typeof usageLimit === 'number' ? [costLimit('usageLimit', 'total', usageLimit)] : []),
    ...(typeof periodUsageLimit === 'number'
      ? [costLimit('periodUsageLimit', unit ?? 'month', periodUsageLimit)]
      : []),
  ]
  return all.length === 0 ? null : all
}

/** A limit on cost in US dollars that blocks. */
export function costLimit(name: string, window: string, value: number): InlineLimit {
  return { name, metric: 'cost', window, value, action: 'block' }
}

function windowOf(
  { metric, window }: { metric: string; window?: string | undefined },
  index: number,
): string {
  if (metric === 'concurrency' && window !== undefined)
    throw invalidField(`limits.${index}.window`, 'is not for concurrency, which counts what runs now')
  if (metric === 'concurrency') return 'total'
  if (window !== undefined) return window
  throw invalidField(`limits.${index}.window`, `is required: ${WINDOWS.join(', ')}`)
}

/** What is left of a limit, in the words of the API. */
export interface ShownLimit {
  name: string | null
  metric: string
  window: string | null
  value: number
  action: 'warn' | 'block'
  used: number | null
  reserved: number | null
  resets_at: string | null
}

/** The limits of a key, with what they stand at; no ledger is asked for a key without any. */
export async function shownKeyLimits(
  context: ManagementContext,
  key: { id: string; name: string; limits: InlineLimit[] | null },
): Promise<ShownLimit[]> {
  const standings = await standingsById(context, limitsOfKey(key))
  return limitsOfKey(key).map(({ id, metric, window, value, action }, index) => ({
    name: key.limits?.[index]?.name ?? null,
    metric,
    window: metric === 'concurrency' ? null : window,
    value,
    action,
    ...(standings.get(id) ?? UNKNOWN),
  }))
}

const UNKNOWN = { used: null, reserved: null, resets_at: null }

/** What limits of one subject stand at, by their ids. */
export async function standingsById(
  { env }: Pick<ManagementContext, 'env'>,
  limits: readonly LimitRow[],
): Promise<Map<string, Pick<ShownLimit, 'used' | 'reserved' | 'resets_at'>>> {
  const [first] = limits
  if (first === undefined) return new Map()
  const policies = limits.flatMap(policiesOf).map(({ policy }) => policy)
  const standings = await standingsOf(env, first, policies)
  return new Map(
    policies.map(({ id, metric }, index) => {
      const { used = 0, reserved = 0, resetsAtMs = null } = standings[index] ?? {}
      const resetsAt = resetsAtMs === null ? null : new Date(resetsAtMs).toISOString()
      return [
        id,
        { used: shownValue(metric, used), reserved: shownValue(metric, reserved), resets_at: resetsAt },
      ]
    }),
  )
}
