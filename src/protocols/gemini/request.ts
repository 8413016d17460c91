import type { Member } from '../../platform/json-scan'
import type { Address, RequestFacts } from '../protocol'
import { withArticle } from '../raw-fields'
import { invalidField } from '../untranslatable'
import { camel } from './spelling'

/** The JSON kinds of the request's own fields (Gemini API reference, "generateContent"), by camelCase name. */
const FIELD_KINDS: ReadonlyMap<string, readonly Member['kind'][]> = new Map<string, Member['kind'][]>([
  ['contents', ['array', 'object']],
  ['systemInstruction', ['object']],
  ['generationConfig', ['object']],
  ['tools', ['array', 'object']],
  ['toolConfig', ['object']],
  ['safetySettings', ['array', 'object']],
  ['cachedContent', ['string']],
  ['labels', ['object']],
])

const SPACES = new Set([0x20, 0x09, 0x0a, 0x0d])
const OPEN_BRACE = 0x7b
const CLOSE_BRACKET = 0x5d

/** Checks what the gateway relies on, and leaves the rest to the provider; the path names the model and the method. */
export function readGeminiRequest(
  bytes: Uint8Array,
  members: readonly Member[],
  address?: Address,
): RequestFacts {
  for (const member of members) checkKind(member)
  const contents = members.find(({ key }) => key === 'contents')
  if (contents === undefined || contents.kind === 'null')
    throw invalidField('contents', "Missing required field: 'contents'.", 'missing_required_parameter')
  if (contents.kind === 'array') checkFirst(bytes, contents.valueStart + 1)
  return { model: address?.model, stream: address?.stream === true, wantsStreamUsage: true }
}

// Only the first element is looked at: the rest, maybe megabytes of it, is the provider's to read.
function checkFirst(bytes: Uint8Array, start: number): void {
  let first = start
  while (SPACES.has(bytes[first] ?? 0)) first++
  if (bytes[first] === CLOSE_BRACKET)
    throw invalidField('contents', "'contents' is empty. Give at least one content.", 'empty_array')
  if (bytes[first] !== OPEN_BRACE)
    throw invalidField(
      'contents[0]',
      "Invalid type for 'contents[0]': expected an object with a role and parts.",
      'invalid_type',
    )
}

function checkKind({ key, kind }: Member): void {
  const kinds = FIELD_KINDS.get(camel(key))
  const [wanted] = kinds ?? []
  if (kinds === undefined || wanted === undefined || kinds.includes(kind) || kind === 'null') return
  throw invalidField(
    key,
    `Invalid type for '${key}': expected ${withArticle(wanted)}, but got ${kind}.`,
    'invalid_type',
  )
}
