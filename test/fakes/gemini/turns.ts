import { bodyOf, type Fields, fieldsOf, listOf, stringOf, unknownMember } from '../fields'
import { isProof } from '../proofs'
import type { RecordedCall } from '../recorder'
import { member } from './request'
import { isGemini3 } from './response'

const MEMBERS = [
  'contents',
  'tools',
  'toolConfig',
  'safetySettings',
  'systemInstruction',
  'generationConfig',
  'cachedContent',
  'labels',
  'model',
  'store',
  'serviceTier',
  'generateContentRequest',
]
/** Google's documented stand-ins for a signature that was never given out. */
const DUMMIES = ['skip_thought_signature_validator', 'context_engineering_is_the_way_to_go']

/** What Google complains of in a request. */
export function geminiRefusal(call: RecordedCall): string | undefined {
  const body = bodyOf(call)
  const camel = Object.fromEntries(Object.entries(body).map(([name, value]) => [camelCase(name), value]))
  const unknown = unknownMember(camel, MEMBERS)
  if (unknown !== undefined)
    return `Invalid JSON payload received. Unknown name "${unknown}": Cannot find field.`
  const contents = listOf(body['contents'] ?? fieldsOf(member(body, 'generateContentRequest'))['contents'])
  if (contents.length === 0) return '* GenerateContentRequest.contents: contents is not specified\n'
  const problems = contents.map(contentProblem)
  const turns = merged(contents)
  problems.push(...turns.map((_, index) => pairsProblem(turns, index)))
  if (isGemini3(call.model)) problems.push(missingSignature(turns))
  return problems.find((problem) => problem !== undefined)
}

/** Contents of one role in a row are one turn; clients that keep a stream's pieces send them so. */
function merged(contents: Fields[]): Fields[] {
  const turns: Fields[] = []
  for (const { role = 'user', parts } of contents) {
    const last = turns.at(-1)
    if (last !== undefined && last['role'] === role)
      last['parts'] = [...listOf(last['parts']), ...listOf(parts)]
    else turns.push({ role, parts })
  }
  return turns
}

function contentProblem({ role, parts }: Fields, index: number): string | undefined {
  if (role !== undefined && role !== 'user' && role !== 'model' && role !== 'function') {
    return 'Please use a valid role: user, model.'
  }
  const found = listOf(parts)
  if (found.length === 0) {
    return `* GenerateContentRequest.contents[${index}].parts: contents.parts must not be empty.\n`
  }
  for (const [nth, part] of found.entries()) {
    const at = `contents[${index}].parts[${nth}]`
    const named = [member(part, 'functionCall'), member(part, 'functionResponse')].map(fieldsOf)
    const asked = named.find((one) => Object.keys(one).length > 0)
    if (asked !== undefined && stringOf(asked['name']) === '') {
      return `* GenerateContentRequest.${at}.function_call.name: Name cannot be empty.\n`
    }
    const signature = signatureOf(part)
    if (signature !== '' && !DUMMIES.includes(signature) && !isProof('gemini', signature)) {
      return 'Corrupted thought signature.'
    }
  }
  return undefined
}

/** The responses to a turn's calls are all in the next turn, and nowhere else. */
function pairsProblem(contents: Fields[], index: number): string | undefined {
  const responses = named(contents[index], 'functionResponse')
  const calls = named(contents[index - 1], 'functionCall')
  if (responses.length > 0 && calls.length === 0) {
    return 'Please ensure that function response turn comes immediately after a function call turn.'
  }
  if (responses.length !== calls.length || responses.some((name) => !calls.includes(name))) {
    const rule = 'is equal to the number of function call parts of the function call turn.'
    return `Please ensure that the number of function response parts ${rule}`
  }
  const isOpen = named(contents[index], 'functionCall').length > 0 && index === contents.length - 1
  return isOpen
    ? 'Please ensure that single turn requests end with a user role or the role field is empty.'
    : undefined
}

/** Since the user last spoke, the first call of each step must bring its signature. */
function missingSignature(contents: Fields[]): string | undefined {
  const spoke = contents.findLastIndex(({ role, parts }) => {
    return role !== 'model' && listOf(parts).some((part) => member(part, 'functionResponse') === undefined)
  })
  for (const [index, { parts }] of contents.entries()) {
    const first = index > spoke && listOf(parts).find((part) => member(part, 'functionCall') !== undefined)
    if (first === false || first === undefined || signatureOf(first) !== '') continue
    const name = stringOf(fieldsOf(member(first, 'functionCall'))['name'])
    return (
      'Function call is missing a thought_signature in functionCall parts. This is required for tools to work ' +
      'correctly, and missing thought_signature may lead to degraded model performance. Additional data, function ' +
      `call \`default_api:${name}\` , position ${index + 1}. Please refer to ` +
      'https://ai.google.dev/gemini-api/docs/thought-signatures for more details.'
    )
  }
  return undefined
}

function named(content: Fields | undefined, kind: string): string[] {
  const found = listOf(content?.['parts']).map((part) => member(part, kind))
  return found.filter((one) => one !== undefined).map((one) => stringOf(fieldsOf(one)['name']))
}

function signatureOf(part: Fields): string {
  return stringOf(member(part, 'thoughtSignature'))
}

function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
