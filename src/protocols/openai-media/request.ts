import { SluiceError } from '../../platform/failure'
import { type JsonKind, type Member, valueOf } from '../../platform/json-scan'
import { entryOf } from '../fields'
import type { RequestFacts } from '../protocol'

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
      throw invalid(name, 'missing_required_parameter', `Missing required parameter: '${name}'.`)
  const model = given.get('model')
  const stream = given.get('stream')
  return {
    model: model === undefined ? undefined : String(valueOf(bytes, model)),
    stream: stream !== undefined && valueOf(bytes, stream) === true,
    wantsStreamUsage: true,
  }
}

const EVERYWHERE: RequestShape['kinds'] = { model: ['string'], stream: ['boolean'] }

// A file of a form stands in its JSON as a description, which is an object.
function checkKind({ key, kind }: Member, kinds: readonly (JsonKind | 'file')[] | undefined): void {
  if (kinds === undefined || kinds.includes(kind) || (kind === 'object' && kinds.includes('file'))) return
  const expected = kinds.map(withArticle).join(' or ')
  const message = `Invalid type for '${key}': expected ${expected}, but got ${withArticle(kind)}.`
  throw invalid(key, 'invalid_type', message)
}

function invalid(param: string, code: string, message: string): SluiceError {
  return new SluiceError({ kind: 'invalid_request', param, code, message })
}

function withArticle(kind: JsonKind | 'file'): string {
  if (kind === 'null') return kind
  return kind === 'array' || kind === 'object' ? `an ${kind}` : `a ${kind}`
}
