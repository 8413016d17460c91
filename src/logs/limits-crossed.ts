import * as z from 'zod'
import { logRecordSchema } from './log-record'

/** A message is refused, and kept as a dead letter, when its version is not this one. */
export const LIMITS_CROSSED_VERSION = 1

/**
 * A message beside the log records: limits that a request was let in by, and that what it really took went beyond. With
 * the words of a record, and the counts as they were when it was settled.
 */
export const limitsCrossedSchema = logRecordSchema
  .pick({ id: true, startedAtMs: true, limitInfo: true })
  .extend({ version: z.literal(LIMITS_CROSSED_VERSION), kind: z.literal('limits_crossed') })

export type LimitsCrossed = z.infer<typeof limitsCrossedSchema>
