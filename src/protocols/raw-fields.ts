import type { SluiceError } from '../platform/failure'
import { type JsonKind, type Member, valueOf } from '../platform/json-scan'
import type { RequestFacts } from './protocol'
import { invalidField } from './untranslatable'

/** The kinds that a field may have; a file of a form counts as one. */
export type FieldKind = JsonKind | 'file'

/** A kind in a sentence. */
export function withArticle(kind: FieldKind): string {
  if (kind === 'null') return kind
  return kind === 'array' || kind === 'object' ? `an ${kind}` : `a ${kind}`
}

/** What a field may be and what it is, behind the word `expected`. */
export function wantedKinds(kinds: readonly FieldKind[], kind: JsonKind): string {
  return `${kinds.map(withArticle).join(' or ')}, but got ${withArticle(kind)}`
}

/** The error for a field of a wrong kind, in OpenAI's words. */
export function wrongKind({ key, kind }: Member, kinds: readonly FieldKind[]): SluiceError {
  return invalidField(key, `Invalid type for '${key}': expected ${wantedKinds(kinds, kind)}.`, 'invalid_type')
}

/** The model and whether a stream is wanted, from a body that names both; null stands for an absent value. */
export function modelAndStream(
  bytes: Uint8Array,
  members: ReadonlyMap<string, Member>,
): Pick<RequestFacts, 'model' | 'stream'> {
  const model = members.get('model')
  const stream = members.get('stream')
  return {
    model: model === undefined || model.kind === 'null' ? undefined : String(valueOf(bytes, model)),
    stream: stream !== undefined && valueOf(bytes, stream) === true,
  }
}
