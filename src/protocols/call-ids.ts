const MADE = 'sluice_call_'

/** The id of a call whose provider gave none, as decoders name it: by its number, unique within one answer only. */
export function madeCallId(call: number): string {
  return `${MADE}${call}`
}

/**
 * The id of a call for a client: the provider's own as it is. The next answer counts its calls from 0 again, so a made
 * one becomes unique in the conversation; clients keep calls and results by their ids.
 */
export function uniqueCallId(id: string, replyId: string, prefix = 'call'): string {
  return id.startsWith(MADE) ? `${prefix}_${replyId}_${id.slice(MADE.length)}` : id
}
