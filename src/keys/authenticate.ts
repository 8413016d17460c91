import type { Config } from '../platform/config'
import type { ApiKeyRow, InlineLimit } from '../platform/config-schema'
import { sha256Hex } from '../platform/encryption'
import type { Env } from '../platform/env'
import { SluiceError } from '../platform/failure'

/** Who is calling. */
export interface Caller {
  /** The key's row, or `bootstrap` and `dev` for the keys that are worker secrets. */
  apiKeyId: string
  apiKeyName: string
  role: 'inference' | 'admin'
  environment: 'prod' | 'test'
  /** Undefined allows every model. */
  allowedModels?: readonly string[]
  /** A request that its target cannot be told in full is refused. */
  requiresParameters?: true
  /** What limits on cost make of a model without a known price; as the settings say when absent. */
  unknownPrice?: 'block' | 'warn'
  /** Which requests' bodies are logged; as the settings say when absent. */
  logBodies?: 'all' | 'none' | 'errors'
  /** Of the key alone; undefined when it has none. */
  limits?: readonly InlineLimit[]
  /** The key was made to be handed on, and may not set budgets. */
  isTemporary?: true
  /** Kept answers of this key are for nobody else, and nobody else's are for it. */
  hasOwnCache?: true
}

/** Hashes of the keys that were presented lately, so that a warm isolate authenticates without an await. */
const hashes = new Map<string, string>()
const MAX_HASHES = 10_000
const MAX_KEY_LENGTH = 512

/** The key of a request, wherever the SDKs put it: Bearer, `x-api-key`, `x-goog-api-key`, `api-key` or `?key=`. */
export function presentedKey(request: Request): string | undefined {
  const { headers, url } = request
  const bearer = headers.get('authorization')?.match(/^Bearer\s+(\S+)\s*$/i)?.[1]
  const key = bearer ?? headers.get('x-api-key') ?? headers.get('x-goog-api-key') ?? headers.get('api-key')
  if (key !== null && key !== '') return key
  return url.includes('?') ? (new URL(url).searchParams.get('key') ?? undefined) : undefined
}

/** The key's hash at once when it was seen before; a promise otherwise. */
export function hashOfKey(key: string): string | Promise<string> {
  const known = hashes.get(key)
  if (known !== undefined) return known
  return sha256Hex(key).then((hash) => {
    if (hashes.size >= MAX_HASHES) hashes.clear()
    hashes.set(key, hash)
    return hash
  })
}

/**
 * The caller that a stored key stands for.
 * @throws SluiceError `unauthenticated`, telling a wrong key from a revoked and an expired one
 */
export function callerOf(hash: string, config: Config, nowMs: number): Caller {
  const row = config.apiKeysByHash.get(hash)
  if (row === undefined)
    throw refused('Your API key is invalid or expired. Check it with an administrator of this gateway.')
  return callerOfRow(row, nowMs)
}

/** A key that is a worker secret, known from the first request of a new deployment on. */
export interface SecretKey {
  hash: string
  caller: Caller
}

/** ADMIN_KEY and DEV_API_KEY as callers; hashed once per isolate. */
export async function secretKeys(env: Env): Promise<SecretKey[]> {
  const named = [
    { key: env.ADMIN_KEY, id: 'bootstrap', name: 'ADMIN_KEY', role: 'admin' as const },
    { key: env.DEV_API_KEY, id: 'dev', name: 'DEV_API_KEY', role: 'inference' as const },
  ]
  const keys: SecretKey[] = []
  for (const { key, id, name, role } of named) {
    if (key === undefined || key === '') continue
    keys.push({
      hash: await sha256Hex(key),
      caller: { apiKeyId: id, apiKeyName: name, role, environment: 'prod' },
    })
  }
  return keys
}

/** Refuses what no key could be read from. */
export function keyRequired(request: Request): string {
  const key = presentedKey(request)
  if (key === undefined) {
    throw refused(
      'Authentication credentials were not provided. Send your Sluice key: Authorization: Bearer <key>.',
    )
  }
  if (key.length > MAX_KEY_LENGTH)
    throw refused('Your API key is invalid: it is longer than any key of this gateway.')
  return key
}

function callerOfRow(row: ApiKeyRow, nowMs: number): Caller {
  if (row.revokedAtMs !== null) throw refused(`Your API key ${row.prefix}... has been revoked.`)
  if (row.expiresAtMs !== null && row.expiresAtMs <= nowMs) {
    throw refused(`Your API key ${row.prefix}... expired at ${new Date(row.expiresAtMs).toISOString()}.`)
  }
  return {
    apiKeyId: row.id,
    apiKeyName: row.name,
    role: row.role,
    environment: row.environment,
    ...(row.allowedModels === null ? {} : { allowedModels: row.allowedModels }),
    ...(row.requireParameters ? { requiresParameters: true } : {}),
    ...(row.unknownPrice == null ? {} : { unknownPrice: row.unknownPrice }),
    ...(row.logBodies == null ? {} : { logBodies: row.logBodies }),
    ...(row.limits === null ? {} : { limits: row.limits }),
    ...(row.isTemporary ? { isTemporary: true } : {}),
    ...(row.cacheScope === 'api_key' ? { hasOwnCache: true } : {}),
  }
}

function refused(message: string): SluiceError {
  return new SluiceError({ kind: 'unauthenticated', message })
}
