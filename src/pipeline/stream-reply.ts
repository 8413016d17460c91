import { describe, type Failure, SluiceError } from '../platform/failure'
import { MissingTerminal, type RelayOptions, relayNatively, type StreamEnd } from '../platform/relay'
import { relayInBatches } from '../platform/relay-batched'
import { stoppedFailure } from '../providers/call'
import { createRecorder } from './recorder'
import type { Ending, Job, OpenStream } from './stages'

const encoder = new TextEncoder()

/** Sends a stream that has begun to the client, and tells how it ended; never rejects. */
export async function relayStream(
  job: Job,
  stream: OpenStream,
  out: WritableStream<Uint8Array>,
): Promise<Ending> {
  const recorder = createRecorder()
  recorder.add(stream.prelude)
  const options: RelayOptions = {
    source: stream.source,
    out,
    prelude: stream.prelude,
    lifeline: stream.lifeline,
    feed(bytes) {
      recorder.add(bytes)
      stream.reader.feed(bytes)
    },
    isComplete() {
      stream.reader.end()
      return stream.reader.isComplete
    },
    // An error event of the provider's has reached the client already; a second one would only hide it.
    errorFrame: (cause) =>
      encoder.encode(
        stream.reader.error === undefined ? job.protocol.errorEvent(describe(failureOf(stream, cause))) : '',
      ),
  }
  const end = stream.withUsage
    ? await relayInBatches({ ...options, ...job.protocol.streamFilter() })
    : await relayNatively(options)
  return endingOf(job, stream, { end, responseBody: recorder.recorded() })
}

function endingOf(job: Job, stream: OpenStream, how: { end: StreamEnd; responseBody: Uint8Array }): Ending {
  const { end, responseBody } = how
  const { target, reader, firstContentAtMs } = stream
  const known = {
    target,
    facts: reader.facts,
    responseBody,
    firstContentAtMs,
    endedAtMs: job.effects.now(),
    ...usageOf(job, stream, how),
  }
  switch (end.kind) {
    case 'completed':
      return { kind: 'completed', statusCode: 200, ...known }
    case 'cancelled': {
      const { status, code, message } = describe({ kind: 'cancelled' })
      return { kind: 'cancelled', statusCode: status, failure: { code, message }, ...known }
    }
    case 'failed': {
      const { status, code, message } = describe(failureOf(stream, end.cause))
      return { kind: 'failed', statusCode: status, failure: { code, message }, ...known }
    }
  }
}

// A count that came before the end tells of a part only, and none at all is made up from the text that came.
function usageOf(
  job: Job,
  { reader }: OpenStream,
  how: { end: StreamEnd; responseBody: Uint8Array },
): Pick<Ending, 'usage' | 'usageSource'> {
  const { usage } = reader.facts
  if (usage !== undefined)
    return { usage, usageSource: how.end.kind === 'completed' ? 'provider' : 'partial' }
  return {
    usage: job.protocol.estimateUsage(job.intake.bytes, how.responseBody, true),
    usageSource: 'estimated',
  }
}

function failureOf({ target, lifeline, reader }: OpenStream, cause: unknown): Failure {
  const stopped = stoppedFailure(target, lifeline)
  if (stopped !== undefined) return stopped.failure
  if (reader.error !== undefined)
    return { kind: 'upstream_error_event', provider: target.providerId, ...reader.error }
  if (cause instanceof SluiceError) return cause.failure
  const message =
    cause instanceof MissingTerminal
      ? 'the stream ended without its end marker.'
      : `the connection broke in the middle of the stream (${cause instanceof Error ? cause.message : String(cause)}).`
  return { kind: 'upstream_incomplete', provider: target.providerId, message }
}
