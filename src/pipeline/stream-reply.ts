import { describe, type Failure, SluiceError } from '../platform/failure'
import { concat } from '../platform/json-edit'
import { MissingTerminal, type RelayOptions, relayNatively, type StreamEnd } from '../platform/relay'
import { relayInBatches } from '../platform/relay-batched'
import type { StreamFilter } from '../protocols/protocol'
import { stoppedFailure } from '../providers/call'
import { redactedBytes, redactedFailure } from '../providers/redact'
import { diagnose } from '../routing/failure-class'
import { receivedStream } from './keep-answer'
import { outliving } from './outliving'
import { createMeasure, createRecorder, createTimedRecorder, type Recorder } from './recorder'
import { contentTypeOf } from './reply'
import { type Ending, estimatedUsage, type Job, type OpenStream } from './stages'

const encoder = new TextEncoder()

/** Sends a stream that has begun to the client, and tells how it ended; never rejects. */
export async function relayStream(
  job: Job,
  stream: OpenStream,
  out: WritableStream<Uint8Array>,
): Promise<Ending> {
  const isBytes = job.intake.wantsBytes === true
  const received = job.caching === undefined ? undefined : createTimedRecorder(job.effects.now)
  const recorder = logRecorder(stream, isBytes)
  const framing = job.protocol.framing?.filter()
  const note = (bytes: Uint8Array) => {
    // The log keeps what the client's protocol says: the upstream's own bytes where they are that.
    if (!stream.isTranslated) recorder.add(bytes)
    received?.add(bytes)
    stream.tellOthers?.(bytes)
  }
  note(stream.prelude)
  const options: RelayOptions = {
    source: stream.source,
    out: stream.tellOthers === undefined ? out : outliving(job, out),
    prelude: stream.prelude,
    lifeline: stream.lifeline,
    feed(bytes) {
      note(bytes)
      stream.reader.feed(bytes)
    },
    isComplete() {
      stream.reader.end()
      return stream.reader.isComplete
    },
    errorFrame(cause) {
      if (isBytes) return undefined
      const frame = encoder.encode(errorText(job, stream, cause))
      return framing === undefined ? frame : concat([framing.change(frame), framing.rest()])
    },
  }
  const end = await relayOf(stream, options, changesOf(stream, framing, recorder))
  const ending = endingOf(job, stream, { end, responseBody: bodyOf(job, stream, recorder.recorded()) })
  if (received === undefined) return ending
  const came = { bytes: received.recorded(), beats: received.beats() }
  return { ...ending, received: receivedStream(stream, came) }
}

function logRecorder({ headers }: OpenStream, isBytes: boolean): Recorder {
  return isBytes ? createMeasure(contentTypeOf(headers)) : createRecorder()
}

// An error event of the provider's has reached the client already, and a second one would only hide it; a translation
// leaves it out, so that it is told here.
function errorText(job: Job, stream: OpenStream, cause: unknown): string {
  if (stream.reader.error !== undefined && !stream.isTranslated) return ''
  return job.protocol.errorEvent(describe(failureOf(job, stream, cause)))
}

// Nothing is to be changed for a stream that is made inside the worker, but only one that comes from the network can
// be piped natively; those who wait for the same answer are not to wait for the slow tap.
function relayOf(
  stream: OpenStream,
  options: RelayOptions,
  changes: StreamFilter | undefined,
): Promise<StreamEnd> {
  if (changes !== undefined) return relayInBatches({ ...options, ...changes })
  if (stream.target.builtIn === true || stream.tellOthers !== undefined)
    return relayInBatches({ ...options, ...UNCHANGED })
  return relayNatively(options)
}

const UNCHANGED = { change: (bytes: Uint8Array) => bytes, rest: () => new Uint8Array(0) }

/** What is done to the stream: first its own filter, whose words are recorded, then the frame around them. */
function changesOf(
  stream: OpenStream,
  framing: StreamFilter | undefined,
  recorder: Recorder,
): StreamFilter | undefined {
  const { filter = UNCHANGED, isTranslated } = stream
  if (stream.filter === undefined && framing === undefined) return undefined
  const recorded = (bytes: Uint8Array) => {
    if (isTranslated) recorder.add(bytes)
    return bytes
  }
  if (framing === undefined)
    return { change: (bytes) => recorded(filter.change(bytes)), rest: () => recorded(filter.rest()) }
  return {
    change: (bytes) => framing.change(recorded(filter.change(bytes))),
    rest: () => concat([framing.change(recorded(filter.rest())), framing.rest()]),
  }
}

// A deployment that breaks off behind its first content has failed as much as one that does so before it.
function endingOf(job: Job, stream: OpenStream, how: { end: StreamEnd; responseBody: Uint8Array }): Ending {
  const { end, responseBody } = how
  const { target, reader, firstContentAtMs } = stream
  const known = {
    target,
    facts: reader.facts,
    losses: stream.losses,
    responseBody,
    firstContentAtMs,
    endedAtMs: job.effects.now(),
    ...usageOf(job, stream, how),
  }
  switch (end.kind) {
    case 'completed':
      job.health.answered(target)
      return { kind: 'completed', statusCode: 200, ...known }
    case 'cancelled': {
      const { status, code, message } = describe({ kind: 'cancelled' })
      return { kind: 'cancelled', statusCode: status, failure: { code, message }, ...known }
    }
    case 'failed': {
      const failure = failureOf(job, stream, end.cause)
      const { status, code, message } = describe(failure)
      const diagnosis = diagnose(failure, target.credential, known.endedAtMs)
      job.health.failed(target, diagnosis, known.endedAtMs)
      const told = { code, message, class: diagnosis.class }
      return { kind: 'failed', statusCode: status, failure: told, ...known }
    }
  }
}

// An error of the provider's may repeat the key that was sent to it; it must not reach the log.
function bodyOf(job: Job, { reader, target }: OpenStream, recorded: Uint8Array): Uint8Array {
  return reader.error === undefined
    ? recorded
    : redactedBytes(recorded, target, job.env, job.intake.parameters.extra_headers)
}

// A count that came before the end tells of a part only, and none at all is made up from the text that came. So is the
// output that a provider tells at the end, and before the first word that it is 1 (Anthropic's `message_start`).
function usageOf(
  job: Job,
  { reader }: OpenStream,
  how: { end: StreamEnd; responseBody: Uint8Array },
): Pick<Ending, 'usage' | 'usageSource'> {
  const { usage, isUsageEarly } = reader.facts
  if (usage === undefined) return estimatedUsage(job, how.responseBody)
  if (how.end.kind === 'completed') return { usage, usageSource: 'provider' }
  if (isUsageEarly !== true) return { usage, usageSource: 'partial' }
  const said = estimatedUsage(job, how.responseBody).usage?.outputTokens ?? 0
  const outputTokens = Math.max(usage.outputTokens, said)
  return { usage: { ...usage, outputTokens }, usageSource: 'partial' }
}

function failureOf(job: Job, stream: OpenStream, cause: unknown): Failure {
  return redactedFailure(
    rawFailureOf(stream, cause),
    stream.target,
    job.env,
    job.intake.parameters.extra_headers,
  )
}

function rawFailureOf({ target, lifeline, reader }: OpenStream, cause: unknown): Failure {
  const stopped = stoppedFailure(target, lifeline)
  if (stopped !== undefined) return stopped.failure
  if (reader.error !== undefined) {
    const { message, data, status } = reader.error
    return { kind: 'upstream_error_event', provider: target.providerId, message, data, status }
  }
  if (cause instanceof SluiceError) return cause.failure
  const message =
    cause instanceof MissingTerminal
      ? 'the stream ended without its end marker.'
      : `the connection broke in the middle of the stream (${cause instanceof Error ? cause.message : String(cause)}).`
  return { kind: 'upstream_incomplete', provider: target.providerId, message }
}
