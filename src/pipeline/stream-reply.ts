import { describe, type Failure, SluiceError } from '../platform/failure'
import { MissingTerminal, type RelayOptions, relayNatively, type StreamEnd } from '../platform/relay'
import { relayInBatches } from '../platform/relay-batched'
import { stoppedFailure } from '../providers/call'
import { redactedBytes, redactedFailure } from '../providers/redact'
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
        stream.reader.error === undefined
          ? job.protocol.errorEvent(describe(failureOf(job, stream, cause)))
          : '',
      ),
  }
  const end = await relayOf(job, stream, options)
  return endingOf(job, stream, { end, responseBody: bodyOf(job, stream, recorder.recorded()) })
}

// Nothing is to be changed for a stream that is made inside the worker, but only one that comes from the network can
// be piped natively.
function relayOf(job: Job, stream: OpenStream, options: RelayOptions): Promise<StreamEnd> {
  if (stream.withUsage) return relayInBatches({ ...options, ...job.protocol.streamFilter() })
  if (stream.target.builtIn === true) return relayInBatches({ ...options, ...UNCHANGED })
  return relayNatively(options)
}

const UNCHANGED = { change: (bytes: Uint8Array) => bytes, rest: () => new Uint8Array(0) }

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
      const { status, code, message } = describe(failureOf(job, stream, end.cause))
      return { kind: 'failed', statusCode: status, failure: { code, message }, ...known }
    }
  }
}

// An error of the provider's may repeat the key that was sent to it; it must not reach the log.
function bodyOf(job: Job, { reader, target }: OpenStream, recorded: Uint8Array): Uint8Array {
  return reader.error === undefined ? recorded : redactedBytes(recorded, target, job.env)
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

function failureOf(job: Job, stream: OpenStream, cause: unknown): Failure {
  return redactedFailure(rawFailureOf(stream, cause), stream.target, job.env)
}

function rawFailureOf({ target, lifeline, reader }: OpenStream, cause: unknown): Failure {
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
