import { type Member, scanObject, valueOf } from '../../platform/json-scan'
import type { ReplyFacts } from '../openai-chat/reply'
import { errorOf } from '../openai-chat/reply'
import { findMediaUsage } from './usage'

/** What a reply tells about itself; vectors and pictures are not built, however large they are. */
const TELLING: ReadonlySet<string> = new Set([
  ...['id', 'usage', 'error', 'object', 'message', 'status', 'code'],
])

/** Reads a reply that has one of these arrays on its top level. */
export function readListReply(bytes: Uint8Array, lists: readonly string[]): ReplyFacts {
  const members = scanObject(bytes)
  const facts = factsOf(bytes, members)
  if (facts.error === undefined && !members.some(({ key, kind }) => kind === 'array' && lists.includes(key)))
    throw new Error(`it has no ${lists.map((name) => `'${name}'`).join(' or ')}`)
  return facts
}

/** Reads a reply that is JSON, or a text in another format, which tells nothing. */
export function readTextReply(bytes: Uint8Array, contentType = ''): ReplyFacts {
  if (/^\s*text\/html\b/i.test(contentType)) throw new Error('it is a page of HTML')
  if (!/^\s*application\/(?:[\w.-]+\+)?json\b/i.test(contentType)) return {}
  const members = scanObject(bytes)
  const facts = factsOf(bytes, members)
  if (facts.error === undefined && !members.some(({ key }) => TEXT_FIELDS.has(key)))
    throw new Error("it has no 'text'")
  return facts
}

/** A transcription's, also with who spoke. */
const TEXT_FIELDS: ReadonlySet<string> = new Set(['text', 'segments'])

function factsOf(bytes: Uint8Array, members: readonly Member[]): ReplyFacts {
  const fields = Object.fromEntries(
    members.filter(({ key }) => TELLING.has(key)).map((member) => [member.key, valueOf(bytes, member)]),
  )
  const error = errorOf(fields)
  if (error !== undefined) return { error }
  const usage = findMediaUsage(fields)
  return {
    ...(usage === undefined ? {} : { usage }),
    ...(typeof fields.id === 'string' ? { responseId: fields.id } : {}),
  }
}
