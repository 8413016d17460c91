import type { ChatReply, Choice } from '../protocols/answer'
import type { UpstreamCodec } from '../protocols/codec'
import { collect } from '../protocols/collect'
import { withoutStandIns } from '../protocols/stand-ins'
import { upstreamCodecs } from '../protocols/table'
import type { RecordedReply } from './recorded-reply'

/** Ends after which nothing is missing: the same request would be answered so again. */
const WHOLE: ReadonlySet<Choice['finish']> = new Set(['stop', 'stop_sequence', 'length', 'tool_calls'])
/** A link to what the provider keeps for an hour only. */
const PASSING_LINK = /"url"\s*:\s*"https?:/

/** Whether an answer may be given to others too, and whether it calls tools; undefined when it may not. */
export function keepable(reply: RecordedReply, isChat: boolean): { hasToolCalls: boolean } | undefined {
  if (!isChat) return isLasting(reply) ? { hasToolCalls: false } : undefined
  const { choices } = decodedReply(reply)
  const isWhole = choices.length > 0 && choices.every(isWholeChoice)
  if (!isWhole) return undefined
  return { hasToolCalls: choices.some(({ parts }) => parts.some(({ kind }) => kind === 'tool_call')) }
}

/** A recorded reply of a chat in no protocol's words. @throws Error when it is not one of its protocol */
export function decodedReply({ head, bytes }: Pick<RecordedReply, 'head' | 'bytes'>): ChatReply {
  const codec = upstreamCodecs[head.protocol]
  const reply = head.isStream ? collect(allEvents(codec, bytes)) : codec.decodeReply(parsed(bytes))
  return withoutStandIns(reply, head.standIns)
}

function allEvents(codec: UpstreamCodec, bytes: Uint8Array) {
  const decoder = codec.eventDecoder()
  return [...decoder.feed(bytes), ...decoder.end()]
}

function parsed(bytes: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(bytes))
}

function isWholeChoice({ finish, parts }: Choice): boolean {
  return WHOLE.has(finish) && parts.every(({ kind }) => kind !== 'refusal')
}

function isLasting({ head, bytes }: RecordedReply): boolean {
  return !head.contentType.includes('json') || !PASSING_LINK.test(new TextDecoder().decode(bytes))
}
