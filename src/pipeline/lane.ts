import type { Failure } from '../platform/failure'
import type { AnswerFacts } from '../protocols/canonical'
import { holdsForeignProofs } from '../protocols/carried'
import type { StandIns } from '../protocols/codec'
import type { StreamFilter, StreamReader } from '../protocols/protocol'
import type { Target } from '../providers/target'
import { rawLane } from './raw-lane'
import type { Job } from './stages'
import { translatedLane } from './translated-lane'

/** How one attempt's request goes to its target, and how the answer comes back to the client. */
export interface Lane {
  /** Behind the target's base URL. */
  path: string
  body: Uint8Array<ArrayBufferLike>
  /** Of the body; JSON when absent. */
  contentType?: string
  /** What the answer may be; an event stream or JSON when absent. */
  accept?: string
  /** The answer is a file, which is relayed while it comes, and no events. */
  isBytes?: true
  /** What the target is not told, by the client's own names. */
  losses: readonly string[]
  /** The client gets other bytes than the upstream's. */
  isTranslated: boolean
  /** Tools that stand in for something else upstream. */
  standIns?: StandIns
  /** What reads a stream, and what changes it for the client; the upstream's own bytes go on without a filter. */
  stream(): { reader: StreamReader; filter?: StreamFilter }
  /** @throws Error with the reason when this is not a reply of the target's protocol */
  readReply(body: Uint8Array, contentType?: string): ReadReply
  /** A provider's error in the client's protocol. */
  told(failure: Failure): Failure
}

/** A reply in one piece: what the client gets, and what was learnt from it. */
export interface ReadReply {
  body: Uint8Array
  facts: AnswerFacts
  error?: { message: string; status?: number } | undefined
}

/**
 * The client's own bytes when the target speaks its protocol, a translation otherwise.
 * @throws SluiceError `untranslatable` naming the field that the target's protocol has no words for
 */
export function laneOf(job: Job, target: Target, withUsage: boolean): Lane {
  const isRaw = target.protocol === job.protocol.speaks && !mustBeTranslated(job)
  return isRaw ? rawLane(job, target, withUsage) : translatedLane(job, target)
}

// A conversation that began elsewhere carries proofs that this provider would refuse; decoding leaves them out.
function mustBeTranslated({ protocol, intake }: Job): boolean {
  return protocol.codec !== undefined && protocol.hidesProofs === true && holdsForeignProofs(intake.bytes)
}
