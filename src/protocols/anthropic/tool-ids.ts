import { uniqueCallId } from '../call-ids'
import { markOf } from '../mark'

const LEGAL = /^[a-zA-Z0-9_-]+$/
const ILLEGAL_LETTER = /[^a-zA-Z0-9_-]/g

/**
 * A tool call's id as the provider takes it: as it is where that is legal, else the same legal one for the same id
 * every time, so that calls and results still meet.
 */
export function legalToolId(id: string): string {
  return LEGAL.test(id) ? id : `${id.replaceAll(ILLEGAL_LETTER, '_')}_${markOf(id)}`
}

/** The id of a call in an answer; the provider wants it unique within the whole conversation. */
export function uniqueToolId(id: string, replyId: string): string {
  return legalToolId(uniqueCallId(id, replyId, 'toolu'))
}
