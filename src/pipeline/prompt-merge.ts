import { editObject } from '../platform/json-edit'
import { type Member, scanObject } from '../platform/json-scan'
import { conversations } from '../protocols/conversation'
import type { Protocol } from '../protocols/protocol'
import type { Intake } from './intake'
import { mergedFields } from './prompt-fields'
import type { FieldEdits, Insertion } from './prompt-insertion'
import { routedBy } from './prompt-routing'
import { mergedTurns } from './prompt-turns'

const decoder = new TextDecoder()

/**
 * A request with a prompt in it, as if the client had written it all itself.
 * @throws SluiceError `invalid_request` naming what is wrong with the prompt or the request
 */
export function mergedIntake(
  intake: Intake,
  { protocol, address }: { protocol: Protocol; address?: { model: string; stream: boolean } },
  insertion: Insertion,
): { intake: Intake; messagesJson(): string | undefined } {
  const conversation = conversations[protocol.speaks]
  if (conversation === undefined) return { intake, messagesJson: () => undefined }
  const turns = mergedTurns(intake, { protocol, conversation, insertion })
  const settings = mergedFields(intake, { protocol, conversation, insertion })
  const routed = routedBy(intake, insertion)
  const edits: FieldEdits = new Map([...settings.set, ...turns.set])
  if (protocol.hasModelInBody && routed.model !== undefined && routed.model !== intake.model)
    edits.set('model', JSON.stringify(routed.model))
  const remove = new Set(settings.remove)
  if (routed.model === undefined) remove.add('model')
  const bytes = edited(intake, edits, remove)
  const members = scanObject(bytes)
  const facts = protocol.readRequest(bytes, members, address)
  const ignored = [...intake.ignored, ...insertion.call.ignored, ...settings.losses]
  const merged = { ...intake, bytes, members, ...facts, ...routed, ignored: [...new Set(ignored)] }
  return { intake: merged, messagesJson: () => messagesOf(bytes, members, conversation.turns) }
}

function edited({ bytes, members }: Intake, edits: FieldEdits, remove: ReadonlySet<string>): Uint8Array {
  const has = (key: string) => members.some((member) => member.key === key)
  const replace = new Map([...edits].filter(([key]) => has(key)))
  const insert = new Map([...edits].filter(([key]) => !has(key)))
  return editObject(bytes, members, { replace, insert, remove })
}

function messagesOf(bytes: Uint8Array, members: readonly Member[], name: string): string | undefined {
  const member = members.find(({ key }) => key === name)
  return member === undefined ? undefined : decoder.decode(bytes.subarray(member.valueStart, member.valueEnd))
}
