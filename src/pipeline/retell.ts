import { decodedReply } from '../cache/keepable'
import type { RecordedReply, ReplyHead } from '../cache/recorded-reply'
import { concat } from '../platform/json-edit'
import { byteReader } from '../protocols/byte-reader'
import type { ClientCodec } from '../protocols/codec'
import type { StreamFilter, StreamReader } from '../protocols/protocol'
import { isNone } from '../protocols/stand-ins'
import { upstreamCodecs } from '../protocols/table'
import { onOneLine, translateStream } from '../protocols/translation'
import { inWords, unfold } from '../protocols/unfold'
import type { Job } from './stages'

type Teller = Pick<Job, 'protocol' | 'intake' | 'decoded' | 'effects' | 'logId'>
const encoder = new TextEncoder()

/** A recorded stream on its way to a client: what the reader is fed, the filter makes the client's. */
export interface RetoldStream {
  reader: StreamReader
  /** Absent where the client gets the bytes as they are. */
  filter?: StreamFilter
  isTranslated: boolean
}

/** How the bytes of a recorded stream become a client's stream, however they are cut: while they come, or all at once. */
export function retoldStream(job: Teller, head: ReplyHead): RetoldStream {
  const { protocol, intake } = job
  const { codec } = protocol
  if (codec === undefined || isSame(job, head)) {
    const reader = intake.wantsBytes === true ? byteReader() : protocol.streamReader()
    const filter = intake.wantsStreamUsage ? undefined : protocol.streamFilter?.()
    return { reader, isTranslated: false, ...(filter === undefined ? {} : { filter }) }
  }
  const decoder = upstreamCodecs[head.protocol].eventDecoder()
  const translation = translateStream({
    decoder,
    encoder: codec.eventEncoder(contextOf(job, head)),
    standIns: head.standIns,
  })
  return { ...translation, isTranslated: true }
}

/** A recorded reply as a client's reply in one piece. @throws Error when it is not a reply of its protocol */
export function retoldWhole(job: Teller, recorded: Pick<RecordedReply, 'head' | 'bytes'>): Uint8Array {
  const { head, bytes } = recorded
  const { codec } = job.protocol
  if (codec === undefined || (!head.isStream && isSame(job, head))) return bytes
  return encoder.encode(JSON.stringify(encodedReply(job, codec, recorded)))
}

/** A recorded reply as a client's whole stream. @throws Error when it is not a reply of its protocol */
export function retoldAsStream(
  job: Teller,
  recorded: Pick<RecordedReply, 'head' | 'bytes'>,
  grain: 'parts' | 'words' = 'parts',
): Uint8Array {
  const { head, bytes } = recorded
  const { codec } = job.protocol
  if (codec !== undefined && !head.isStream) {
    const parts = unfold(decodedReply(recorded))
    const events = grain === 'words' ? inWords(parts) : parts
    return encoder.encode(onOneLine(codec.eventEncoder(contextOf(job, head)).encode(events)))
  }
  const { reader, filter, isTranslated } = retoldStream(job, head)
  if (filter === undefined) return bytes
  if (isTranslated) {
    reader.feed(bytes)
    reader.end()
  }
  return concat([filter.change(bytes), filter.rest()])
}

/** What the client gets is what came: the upstream speaks its protocol, and was asked for nothing else. */
function isSame({ protocol }: Teller, { protocol: spoken, standIns }: ReplyHead): boolean {
  return spoken === protocol.speaks && isNone(standIns)
}

function encodedReply(job: Teller, codec: ClientCodec, recorded: Pick<RecordedReply, 'head' | 'bytes'>) {
  return codec.encodeReply(decodedReply(recorded), contextOf(job, recorded.head))
}

function contextOf({ decoded, logId, effects }: Teller, { upstreamModel }: ReplyHead) {
  const nowSeconds = Math.floor(effects.now() / 1_000)
  return { request: decoded(), model: upstreamModel, replyId: logId, nowSeconds }
}
