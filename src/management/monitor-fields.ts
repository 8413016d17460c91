import * as z from 'zod'
import { AGGREGATIONS, MONITOR_METRICS } from '../alerts/monitor'
import type { MonitorRow } from '../platform/config-schema'
import { invalidField } from './replies'

const DAY_MINUTES = 24 * 60
const MAX_WINDOW_MINUTES = 31 * DAY_MINUTES

const filterValue = z.string().min(1, 'must not be empty').max(254).optional()
const fields = {
  name: z.string().trim().min(1, 'must not be empty').max(200),
  metric: z.enum(MONITOR_METRICS),
  aggregation: z.enum(AGGREGATIONS),
  filters: z.strictObject({
    model: filterValue,
    provider: filterValue,
    api_key: filterValue,
    customer: filterValue,
    environment: z.enum(['prod', 'test']).optional(),
  }),
  comparison: z.enum(['above', 'below']),
  threshold: z.number().nonnegative('must be 0 or more'),
  window_minutes: z
    .int('must be a whole number')
    .min(1, 'must be 1 or more')
    .max(MAX_WINDOW_MINUTES, `must be ${MAX_WINDOW_MINUTES} (31 days) or less`),
  channels: z.array(z.string().min(1)).min(1, 'must name a channel, or be null for all').nullish(),
  is_paused: z.boolean(),
}

/** A monitor in the words of the API. */
export const monitorSchema = z.strictObject({
  ...fields,
  aggregation: fields.aggregation.default('average'),
  filters: fields.filters.default({}),
  comparison: fields.comparison.default('above'),
  is_paused: fields.is_paused.default(false),
})

/** A change of one. */
export const monitorPatchSchema = z.strictObject(fields).partial()

/**
 * A monitor that can be looked through.
 * @throws SluiceError `validation`
 */
export function checkedMonitor(
  given: z.infer<typeof monitorSchema>,
): Omit<MonitorRow, 'id' | 'createdAtMs' | 'updatedAtMs'> {
  const { metric, aggregation, window_minutes: windowMinutes, is_paused: isPaused, channels, filters } = given
  if (aggregation === 'p95' && metric !== 'latency')
    throw invalidField('aggregation', 'p95 is for latency alone')
  if (aggregation === 'p95' && windowMinutes > DAY_MINUTES)
    throw invalidField('window_minutes', `must be ${DAY_MINUTES} (a day) or less for p95`)
  if (metric === 'error_rate' && given.threshold > 1)
    throw invalidField('threshold', 'is a share from 0 to 1 for error_rate')
  const { name, comparison, threshold } = given
  const named = Object.entries(filters).filter(([, value]) => value !== undefined)
  return {
    ...{ name, metric, aggregation, comparison, threshold, windowMinutes, isPaused },
    filters: Object.fromEntries(named),
    channels: channels ?? null,
  }
}
