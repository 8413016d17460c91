import { editObject } from '../platform/json-edit'
import type { Protocol } from '../protocols/protocol'
import type { Target } from '../providers/target'
import { SECRET_NAMES } from './gateway-parameters'
import type { Intake } from './intake'

/** How a request's bytes are made for an upstream. */
export interface UpstreamBodyOptions {
  protocol: Protocol
  /** Ask for the usage of the stream, which the client did not. */
  withUsage: boolean
}

/** The client's bytes with the target's model name, without gateway parameters, and with what the target adds. */
export function upstreamBody(intake: Intake, target: Target, how: UpstreamBodyOptions): Uint8Array {
  const { protocol, withUsage } = how
  const replace = new Map<string, string>()
  const insert = new Map<string, string>()
  const has = (key: string) => intake.members.some((member) => member.key === key)
  const set = (key: string, json: string) => (has(key) ? replace : insert).set(key, json)
  if (intake.model !== target.upstreamModel) set('model', JSON.stringify(target.upstreamModel))
  if (withUsage) {
    const { key, json } = protocol.askForStreamUsage(intake.bytes, intake.members)
    set(key, json)
  }
  for (const [key, value] of Object.entries(target.defaults ?? {}))
    if (!has(key)) insert.set(key, JSON.stringify(value))
  return editObject(intake.bytes, intake.members, { replace, insert, remove: intake.bodyNames })
}

/** The request as it may be kept in a log: the client's bytes, without the fields that hold credentials. */
export function loggableBody(intake: Intake): Uint8Array {
  const remove = new Set([...intake.bodyNames].filter((name) => SECRET_NAMES.has(name)))
  return editObject(intake.bytes, intake.members, { remove })
}
