import { decodeSharedEnd, type SharedEnd } from '../cache/shared-reply'
import { describe, type Failure } from '../platform/failure'
import type { StreamFilter } from '../protocols/protocol'
import { endingOfCached } from './cached'
import { type ClientWriter, clientWriter } from './client-writer'
import { endingOfFailure } from './conclude'
import { type JoinedAnswer, nextFrame, withEnd } from './join-answer'
import { createMeasure, createRecorder, type Recorder } from './recorder'
import { type RetoldStream, retoldStream } from './retell'
import type { Ending, Job } from './stages'

const CUT: Failure = {
  kind: 'unavailable',
  message: 'The call whose answer this is broke off. Send the request again.',
  retryAfterSeconds: 1,
}

/** A stream of another's on its way to this client. */
interface Joined {
  stream: RetoldStream
  framing: StreamFilter | undefined
  client: ClientWriter
  /** What the log keeps of it: the client's words, without a frame around them. */
  recorder: Recorder
}

/** Sends another request's answer to this client, from its first byte and then as it comes; never rejects. */
export async function relayJoined(
  job: Job,
  answer: JoinedAnswer,
  out: WritableStream<Uint8Array>,
): Promise<Ending> {
  const { entry, body, frames } = answer
  const { effects } = job
  const firstContentAtMs = effects.now()
  const joined = joinedStream(job, answer, out)
  const { client, recorder } = joined
  const end = body === undefined ? await giveAll(joined, answer) : await giveWhole(joined, body)
  frames.cancel()
  await finish(job, joined, end)
  const known = end === undefined ? entry : withEnd(entry, end)
  const ending = {
    ...endingOfCached(job, known, new Uint8Array(0)),
    responseBody: recorder.recorded(),
    firstContentAtMs,
  }
  if (end?.isComplete === true && !client.hasLeft) return { ...ending, endedAtMs: effects.now() }
  return { ...ending, ...endingOfFailure(job, client.hasLeft ? { kind: 'cancelled' } : CUT) }
}

function joinedStream(job: Job, { entry, frames }: JoinedAnswer, out: WritableStream<Uint8Array>): Joined {
  const { protocol, intake, request } = job
  const { head } = entry.reply
  return {
    stream: retoldStream(job, head),
    framing: protocol.framing?.filter(),
    client: clientWriter(out, request.signal, frames.cancel),
    recorder: intake.wantsBytes === true ? createMeasure(head.contentType) : createRecorder(),
  }
}

function give({ client, framing }: Joined, bytes: Uint8Array): Promise<void> {
  return client.write(framing === undefined ? bytes : framing.change(bytes))
}

async function giveWhole(joined: Joined, body: Uint8Array): Promise<SharedEnd> {
  joined.recorder.add(body)
  await give(joined, body)
  return { isComplete: true, isKept: false }
}

/** Gives on what comes until the end; undefined when there is none. */
async function giveAll(joined: Joined, { frames }: JoinedAnswer): Promise<SharedEnd | undefined> {
  const { stream, recorder, client } = joined
  const { reader, filter, isTranslated } = stream
  const tell = async (told: Uint8Array, came: Uint8Array) => {
    recorder.add(isTranslated ? told : came)
    if (told.byteLength > 0) await give(joined, told)
  }
  for (let frame = await nextFrame(frames); frame !== undefined; frame = await nextFrame(frames)) {
    const { kind, payload } = frame
    if (kind === 'end') {
      const end = decodeSharedEnd(payload)
      reader.end()
      // Half an event of a stream that broke off is kept back: nobody could read it, nor what comes after it.
      if (end?.isComplete === true && filter !== undefined) await tell(filter.rest(), new Uint8Array(0))
      return end
    }
    reader.feed(payload)
    await tell(filter === undefined ? payload : filter.change(payload), payload)
    if (client.hasLeft) return undefined
  }
  return undefined
}

async function finish(job: Job, joined: Joined, end: SharedEnd | undefined): Promise<void> {
  const { stream, framing, client } = joined
  if (end?.isComplete !== true) {
    // A file can only be broken off.
    if (job.intake.wantsBytes === true) return client.abort(new Error('cut'))
    // The provider's own error has reached the client already; a translation leaves it out.
    const isTold = stream.reader.error !== undefined && !stream.isTranslated
    if (!isTold) await give(joined, new TextEncoder().encode(job.protocol.errorEvent(describe(CUT))))
  }
  if (framing !== undefined) await client.write(framing.rest())
  await client.close()
}
