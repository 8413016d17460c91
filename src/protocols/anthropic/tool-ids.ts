import { uniqueCallId } from '../call-ids'

const LEGAL = /^[a-zA-Z0-9_-]+$/
const ILLEGAL_LETTER = /[^a-zA-Z0-9_-]/g
const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193

/**
 * A tool call's id as the provider takes it: as it is where that is legal, else the same legal one for the same id
 * every time, so that calls and results still meet.
 */
export function legalToolId(id: string): string {
  return LEGAL.test(id) ? id : `${id.replaceAll(ILLEGAL_LETTER, '_')}_${hashOf(id)}`
}

/** The id of a call in an answer; the provider wants it unique within the whole conversation. */
export function uniqueToolId(id: string, replyId: string): string {
  return legalToolId(uniqueCallId(id, replyId, 'toolu'))
}

// FNV-1a (Fowler, Noll, Vo), 32 bits: ids that differ in illegal letters only must stay apart.
function hashOf(text: string): string {
  let hash = FNV_OFFSET
  for (const letter of text) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), FNV_PRIME) >>> 0
  return hash.toString(16).padStart(8, '0')
}
