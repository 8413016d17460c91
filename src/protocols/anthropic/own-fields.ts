import { isObject } from '../fields'
import type { CacheMarker, Extras } from '../request'
import { invalidField, lostExtras } from '../untranslatable'

/** A content block, a tool, a message: any object of the protocol. */
export type Block = Record<string, unknown>

/** What an object of a request has beside the fields that are known, and its cache marker. */
export function commonOf(
  block: Block,
  known: readonly string[],
  at: string,
): { at: string; cache?: CacheMarker; extras?: Extras } {
  const cache = decodeCacheControl(block.cache_control, `${at}.cache_control`)
  const extras = extrasOf(block, [...known, 'type', 'cache_control'], at)
  return { at, ...(cache === undefined ? {} : { cache }), ...(extras === undefined ? {} : { extras }) }
}

/** The fields that are not known; null says nothing anywhere in the protocol. */
export function extrasOf(block: Block, known: readonly string[], at: string): Extras | undefined {
  const others = Object.entries(block).filter(([field, value]) => value !== null && !known.includes(field))
  return others.length === 0 ? undefined : { protocol: 'anthropic', fields: Object.fromEntries(others), at }
}

/** The same on the way out: what the protocol's own clients set, as they set it. What others set is a loss. */
export function encodeCommon(
  common: { cache?: CacheMarker | undefined; extras?: Extras | undefined },
  losses: string[],
): Block {
  const { cache } = common
  return {
    ...ownExtras(common.extras, losses),
    ...(cache === undefined ? {} : { cache_control: encodeCacheControl(cache) }),
  }
}

/** Extras of this protocol, to be put back. What has those of another one loses them. */
export function ownExtras(extras: Extras | undefined, losses: string[]): Block {
  losses.push(...lostExtras(extras, 'anthropic'))
  return extras?.protocol === 'anthropic' ? { ...extras.fields } : {}
}

function decodeCacheControl(value: unknown, at: string): CacheMarker | undefined {
  if (value === undefined || value === null) return undefined
  if (!isObject(value) || value.type !== 'ephemeral')
    throw invalidField(at, `${at}: Expected {"type": "ephemeral"}.`)
  const { ttl } = value
  if (ttl === undefined || ttl === null) return {}
  if (ttl !== '5m' && ttl !== '1h') throw invalidField(`${at}.ttl`, `${at}.ttl: Expected "5m" or "1h".`)
  return { ttl }
}

function encodeCacheControl({ ttl }: CacheMarker): Block {
  return { type: 'ephemeral', ...(ttl === undefined ? {} : { ttl }) }
}
