import type { Failure } from '../platform/failure'
import { byteReader } from '../protocols/byte-reader'
import { paths } from '../protocols/paths'
import type { WireProtocolId } from '../protocols/protocol'
import { upstreamCodecs } from '../protocols/table'
import type { Target } from '../providers/target'
import type { Lane } from './lane'
import type { Job } from './stages'
import { upstreamBody } from './upstream-body'

/** Bytes through untouched, but for the model's name, gateway parameters, and what the target is known to refuse. */
export function rawLane({ protocol, intake }: Job, target: Target, withUsage: boolean): Lane {
  const { body, losses } = upstreamBody(intake, target, { protocol, withUsage })
  return {
    path: (protocol.path ?? paths[protocol.speaks])(target.upstreamModel, intake.stream),
    body,
    losses,
    isTranslated: false,
    ...(intake.form === undefined ? {} : { contentType: intake.form.contentType }),
    ...(intake.wantsBytes === true || protocol.hasOwnTypes === true ? { accept: '*/*' } : {}),
    ...(intake.wantsBytes === true ? { isBytes: true } : {}),
    stream() {
      const reader = intake.wantsBytes === true ? byteReader() : protocol.streamReader()
      const filter = withUsage ? protocol.streamFilter?.() : undefined
      return filter === undefined ? { reader } : { reader, filter }
    },
    readReply(bytes, contentType) {
      const { error, ...facts } = protocol.readReply(bytes, contentType)
      return { body: bytes, facts, error }
    },
    told: (failure) => withWords(failure, protocol.speaks),
  }
}

// The client gets the provider's bytes; its words are for the log, and for a stream that has begun.
function withWords(failure: Failure, speaks: WireProtocolId): Failure {
  if (failure.kind !== 'upstream_status') return failure
  const message = upstreamCodecs[speaks].decodeError(failure.status, failure.body)?.message
  return message === undefined ? failure : { ...failure, message }
}
