import { env } from 'cloudflare:workers'
import { drizzle } from 'drizzle-orm/d1'
import { type ApiKeyRow, apiKeys } from '../../src/platform/config-schema'
import { sha256Hex } from '../../src/platform/encryption'

let stored = 0

/** Stores an API key as the management routes do, and gives its row. */
export async function storeKey(key: string, given: Partial<ApiKeyRow> = {}): Promise<ApiKeyRow> {
  const row: ApiKeyRow = {
    id: `id-${++stored}`,
    name: `key ${stored}`,
    prefix: key.slice(0, 8),
    hash: await sha256Hex(key),
    role: 'inference',
    environment: 'prod',
    allowedModels: null,
    requireParameters: false,
    unknownPrice: null,
    logBodies: null,
    expiresAtMs: null,
    revokedAtMs: null,
    createdAtMs: 1,
    updatedAtMs: 1,
    limits: null,
    isTemporary: false,
    cacheScope: 'organization',
    ...given,
  }
  await drizzle(env.CONFIG).insert(apiKeys).values(row)
  return row
}

/** Runs SQL on the configuration, as somebody does who goes past the API. */
export async function changeBySql(statement: string): Promise<void> {
  await env.CONFIG.prepare(statement).run()
}
