import type { StandIns } from '../protocols/codec'
import type { WireProtocolId } from '../protocols/protocol'

/** What must be known of an upstream's reply to tell its bytes to any client. */
export interface ReplyHead {
  /** Of the bytes; for endpoints without a canonical form the protocol that their provider speaks. */
  protocol: WireProtocolId
  /** The bytes are those of a stream. */
  isStream: boolean
  contentType: string
  /** Tools that stood in for something else when the upstream was asked. */
  standIns: StandIns
  providerId: string
  /** Its canonical name. */
  model: string
  upstreamModel: string
}

/** When bytes of a stream came: milliseconds since the first ones, and how many bytes there were then in all. */
export type Beat = readonly [sinceMs: number, totalBytes: number]

/** An upstream's reply as it came. */
export interface RecordedReply {
  head: ReplyHead
  bytes: Uint8Array
  /** Empty for a reply in one piece. */
  beats: readonly Beat[]
}
