import type { JsonKind, Member } from '../../platform/json-scan'
import { entryOf } from '../fields'
import type { RequestFacts } from '../protocol'
import { type FieldKind, modelAndStream, wrongKind } from '../raw-fields'
import { invalidField } from '../untranslatable'

/** Which JSON kinds a request's own fields have; a field that is not listed is the provider's business and passes. */
export interface RequestShape {
  kinds: Readonly<Record<string, readonly (JsonKind | 'file')[]>>
  required: readonly string[]
}

/** Checks what the gateway relies on, with the words that OpenAI has for it, and leaves the rest to the provider. */
export function readMediaRequest(
  bytes: Uint8Array,
  members: readonly Member[],
  { kinds, required }: RequestShape,
): RequestFacts {
  const given = new Map(members.filter(({ kind }) => kind !== 'null').map((member) => [member.key, member]))
  for (const member of given.values())
    checkKind(member, entryOf(EVERYWHERE, member.key) ?? entryOf(kinds, member.key))
  for (const name of required)
    if (!given.has(name))
      throw invalidField(name, `Missing required parameter: '${name}'.`, 'missing_required_parameter')
  return { ...modelAndStream(bytes, given), wantsStreamUsage: true }
}

const EVERYWHERE: RequestShape['kinds'] = { model: ['string'], stream: ['boolean'] }

// A file of a form stands in its JSON as a description, which is an object.
function checkKind(member: Member, kinds: readonly FieldKind[] | undefined): void {
  const { kind } = member
  if (kinds === undefined || kinds.includes(kind) || (kind === 'object' && kinds.includes('file'))) return
  throw wrongKind(member, kinds)
}
