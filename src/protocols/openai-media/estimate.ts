import { type Member, valueOf } from '../../platform/json-scan'
import { CHARACTERS_PER_TOKEN, TOKENS_PER_FILE, tokensOfJson } from '../token-estimate'

/** Input by the size of its JSON, which is never less than its text. */
export function tokensOfFields(
  request: Uint8Array,
  members: readonly Member[],
  names: readonly string[],
): number {
  return tokensOfJson(
    request,
    members.filter(({ key }) => names.includes(key)),
  )
}

/** Of the files of a form, each of which stands in its JSON as a description, and of those that are in the JSON itself. */
export function tokensOfFiles(
  request: Uint8Array,
  members: readonly Member[],
  names: readonly string[],
): number {
  const given = members.filter(({ key }) => names.includes(key))
  const inJson = tokensOfJson(
    request,
    given.filter(({ kind }) => kind === 'string'),
  )
  const described = given.flatMap((member) =>
    member.kind === 'object' || member.kind === 'array' ? valueOf(request, member) : [],
  )
  return inJson + described.length * TOKENS_PER_FILE
}

/** Of an input as these endpoints take it: a text, token numbers, which are counted as they are, or lists of either. */
export function tokensOfInput(input: unknown): number {
  if (typeof input === 'string') return Math.ceil(input.length / CHARACTERS_PER_TOKEN)
  if (Array.isArray(input)) return input.reduce<number>((sum, one) => sum + tokensOfInput(one), 0)
  return typeof input === 'number' ? 1 : 0
}
