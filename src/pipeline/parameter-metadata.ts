import { SluiceError } from '../platform/failure'
import { type Member, valueOf } from '../platform/json-scan'
import { CONTAINERS } from '../platform/parameter-names'
import type { OwnFields } from '../protocols/protocol'

/** What `metadata` of a protocol that has one of its own held for the gateway. */
export interface ReadMetadata {
  /** Parameters that were in it, the weakest first. */
  given: object[]
  /** What is left of it, as JSON text by name. */
  replacement?: ReadonlyMap<string, string>
  /** Nothing in it is the protocol's, so that it does not travel at all. */
  isRemoved?: boolean
}

/** `metadata` of a protocol that has one of its own: it holds our containers, and keys that are the gateway's. */
export function readMetadata(
  bytes: Uint8Array,
  members: readonly Member[],
  own: OwnFields,
): ReadMetadata | undefined {
  const member = own.metadata === undefined ? undefined : members.find(({ key }) => key === 'metadata')
  if (member === undefined || member.kind !== 'object') return undefined
  const all: Record<string, unknown> = Object(valueOf(bytes, member))
  const containers = [...CONTAINERS].reverse().map((name) => containerIn(all, name))
  const rest = Object.entries(all).filter(([name]) => !CONTAINERS.includes(name) && name !== 'extra_headers')
  const given = [
    { metadata: Object.fromEntries(rest) },
    ...(all.extra_headers === undefined ? [] : [{ extra_headers: all.extra_headers }]),
    ...containers,
  ]
  const kept = rest.filter(([name]) => own.metadata === 'all' || own.metadata?.includes(name) === true)
  if (kept.length === Object.keys(all).length) return { given }
  const isRemoved = kept.length === 0
  // What is not sent is still logged, without the containers, which may hold credentials.
  const left = Object.fromEntries(isRemoved ? rest : kept)
  return { given, isRemoved, replacement: new Map([['metadata', JSON.stringify(left)]]) }
}

function containerIn(metadata: Record<string, unknown>, name: string): object {
  const value = metadata[name]
  if (value === undefined || value === null) return {}
  if (typeof value === 'object' && !Array.isArray(value)) return value
  throw notAnObject(`'metadata.${name}' in the body`, `metadata.${name}`)
}

/** The error for a container of parameters that is something else. */
export function notAnObject(where: string, param: string): SluiceError {
  return new SluiceError({
    kind: 'invalid_request',
    code: 'invalid_parameter',
    param,
    message: `Invalid gateway parameters: ${where} must be a JSON object.`,
  })
}
