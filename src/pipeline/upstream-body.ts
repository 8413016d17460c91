import { editObject } from '../platform/json-edit'
import { SECRET_NAMES } from '../platform/parameter-names'
import type { Protocol } from '../protocols/protocol'
import type { Target } from '../providers/target'
import type { Intake } from './intake'
import { editForm } from './multipart'

/** How a request's bytes are made for an upstream. */
export interface UpstreamBodyOptions {
  protocol: Protocol
  /** Ask for the usage of the stream, which the client did not. */
  withUsage: boolean
}

/** The client's bytes with the target's model name, without gateway parameters, and with what the target adds. */
export function upstreamBody(
  intake: Intake,
  target: Target,
  how: UpstreamBodyOptions,
): { body: Uint8Array; losses: readonly string[] } {
  const { protocol, withUsage } = how
  const { bytes, members, bodyReplacements } = intake
  const { bodyEdits } = target
  const replace = new Map(bodyReplacements)
  const insert = new Map<string, string>()
  const has = (key: string) => members.some((member) => member.key === key)
  const set = (key: string, json: string) => (has(key) ? replace : insert).set(key, json)
  if (protocol.hasModelInBody && intake.model !== target.upstreamModel)
    set('model', JSON.stringify(target.upstreamModel))
  const usage = withUsage ? protocol.askForStreamUsage?.(bytes, members) : undefined
  if (usage !== undefined) set(usage.key, usage.json)
  for (const defaults of [bodyEdits?.insert, target.defaults, protocol.bodyDefaults])
    for (const key in defaults)
      if (!has(key) && !insert.has(key)) insert.set(key, JSON.stringify(defaults[key]))
  const losses = refusedFields(intake, target, protocol)
  const renamed = renamedFields(intake, target, protocol)
  for (const [name, json] of renamed.values()) insert.set(name, json)
  const remove =
    losses.length === 0 && bodyEdits === undefined && renamed.size === 0
      ? intake.bodyNames
      : new Set([...intake.bodyNames, ...losses, ...renamed.keys(), ...(bodyEdits?.remove ?? [])])
  const edits = { replace, insert, remove }
  const body = intake.form === undefined ? editObject(bytes, members, edits) : editForm(intake.form, edits)
  return { body, losses }
}

// A model that answers a setting with an error is not sent it; few models do, and most requests have none of them.
function refusedFields({ members }: Intake, { traits }: Target, { settingNames }: Protocol): string[] {
  if (traits.refuses === undefined || settingNames === undefined) return NONE
  // Models that can be told not to reason refuse nothing then; whether they reason is theirs and the client's to know.
  if (traits.efforts?.includes('none') === true) return NONE
  const refused = traits.refuses.map((setting) => settingNames[setting])
  return members.filter(({ key, kind }) => kind !== 'null' && refused.includes(key)).map(({ key }) => key)
}

const NONE: string[] = []

// A field that newer models know under another name only: the new name and the value as it was written.
function renamedFields(
  { bytes, members }: Intake,
  { traits }: Target,
  { newerNames }: Protocol,
): Map<string, [string, string]> {
  const renamed = new Map<string, [string, string]>()
  if (traits.wantsMaxCompletionTokens !== true || newerNames === undefined) return renamed
  for (const { key, kind, valueStart, valueEnd } of members) {
    const name = newerNames[key]
    if (name === undefined || kind === 'null' || members.some((other) => other.key === name)) continue
    renamed.set(key, [name, new TextDecoder().decode(bytes.subarray(valueStart, valueEnd))])
  }
  return renamed
}

/** The request as it may be kept in a log: the client's bytes, without the fields that hold credentials. */
export function loggableBody(intake: Intake): Uint8Array {
  const remove = new Set([...intake.bodyNames].filter((name) => SECRET_NAMES.has(name)))
  return editObject(intake.bytes, intake.members, { remove, replace: intake.bodyReplacements })
}
