import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import { requestLogs } from '../platform/logs-schema'

/** What an API key has used, as the log rows say it. */
export interface KeyUsage {
  /** Those that a provider, or the cache, was asked for. */
  requests: number
  costUsd: number
  lastUsedMs: number
}

/** What API keys have used, by their ids; a key without log rows is absent. */
export async function keyUsage(
  env: { LOGS: D1Database },
  apiKeyIds: readonly string[],
): Promise<Map<string, KeyUsage>> {
  if (apiKeyIds.length === 0) return new Map()
  const rows = await drizzle(env.LOGS)
    .select({
      apiKeyId: requestLogs.apiKeyId,
      requests: sql<number>`sum(${requestLogs.attempts} <> '[]' or ${requestLogs.cacheStatus} is not null or ${requestLogs.replayOf} is not null)`,
      costNanoUsd: sql<number>`coalesce(sum(${requestLogs.costNanoUsd}), 0)`,
      lastUsedMs: sql<number>`max(${requestLogs.startedAtMs})`,
    })
    .from(requestLogs)
    .where(sql`${requestLogs.apiKeyId} in (select value from json_each(${JSON.stringify(apiKeyIds)}))`)
    .groupBy(requestLogs.apiKeyId)
  return new Map(
    rows.flatMap(({ apiKeyId, requests, costNanoUsd, lastUsedMs }) =>
      apiKeyId === null ? [] : [[apiKeyId, { requests, costUsd: costNanoUsd / 1e9, lastUsedMs }] as const],
    ),
  )
}
