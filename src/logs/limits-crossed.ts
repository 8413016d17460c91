import * as z from 'zod'
import { logRecordSchema } from './log-record'
import { LIMITS_CROSSED_VERSION } from './message-versions'

/**
 * A message beside the log records: limits that a request was let in by, and that what it really took went beyond. With
 * the words of a record, and the counts as they were when it was settled.
 */
export const limitsCrossedSchema = logRecordSchema
  .pick({ id: true, startedAtMs: true, limitInfo: true })
  .extend({ version: z.literal(LIMITS_CROSSED_VERSION), kind: z.literal('limits_crossed') })

export type LimitsCrossed = z.infer<typeof limitsCrossedSchema>
