import { SluiceError } from '../platform/failure'
import { valueOf } from '../platform/json-scan'
import type { ChatRequest } from '../protocols/request'
import type { Intake } from './intake'
import type { Exchange } from './stages'

/** The request in canonical form, without what was for the gateway; decoded when first asked for, and once. */
export function decodedOnce(
  { protocol, address }: Pick<Exchange, 'protocol' | 'address'>,
  intake: Intake,
): () => ChatRequest {
  let known: ChatRequest | undefined
  return () => {
    if (protocol.codec === undefined)
      throw new SluiceError({ kind: 'internal', message: `${protocol.id} has no canonical form.` })
    known ??= protocol.codec.decodeRequest(bodyOf(intake), address)
    return known
  }
}

const bodies = new WeakMap<Intake, Record<string, unknown>>()

/** The body's fields, without what was for the gateway; parsed once. */
export function bodyOf(intake: Intake): Record<string, unknown> {
  const known = bodies.get(intake)
  if (known !== undefined) return known
  const body = parsedBody(intake)
  bodies.set(intake, body)
  return body
}

function parsedBody({ bytes, members, bodyNames, bodyReplacements }: Intake): Record<string, unknown> {
  return Object.fromEntries(
    members
      .filter(({ key }) => !bodyNames.has(key))
      .map((member) => {
        const replaced = bodyReplacements.get(member.key)
        return [member.key, replaced === undefined ? valueOf(bytes, member) : JSON.parse(replaced)]
      }),
  )
}
