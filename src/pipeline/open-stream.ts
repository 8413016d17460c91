import { SluiceError } from '../platform/failure'
import { concat } from '../platform/json-edit'
import type { StreamReader } from '../protocols/protocol'
import { stoppedFailure } from '../providers/call'
import { type Answered, errorWith200, sampleOf } from './read-whole'
import type { OpenStream } from './stages'

/** A stream that has sent this much without any content is not one. */
const MAX_PRELUDE_BYTES = 1024 * 1024
/** Server-sent events, or the binary frames that one provider has instead. */
const STREAM_TYPE = /^\s*(?:text\/event-stream|application\/vnd\.[a-z]+\.eventstream)/i
/** What comes instead of a file: an error, or a page of some proxy's. */
const NO_FILE_TYPE = /^\s*(?:text\/html|application\/(?:[\w.-]+\+)?json)\b/i

/**
 * Reads a stream up to its first content, reasoning or tool call and withholds what came: until then an error, a
 * break or silence lets another target take over, and the client never sees it.
 */
export async function openStream(answered: Answered): Promise<OpenStream> {
  const { response, target, lane, lifeline, effects } = answered
  const { losses, isTranslated, standIns = {} } = lane
  const type = response.headers.get('content-type') ?? ''
  const isStream = lane.isBytes === true ? !NO_FILE_TYPE.test(type) : STREAM_TYPE.test(type)
  if (response.body === null || !isStream) throw await notAStream(answered, type)
  lifeline.enter('first_content')
  const { reader, filter } = lane.stream()
  const chunks: Uint8Array[] = []
  const bytes = response.body.getReader()
  let length = 0
  while (!reader.hasContent) {
    const { done, value } = await bytes.read().catch((cause: unknown) => {
      throw (
        stoppedFailure(target, lifeline) ??
        broken(answered, `the connection broke before any content (${messageOf(cause)})`)
      )
    })
    if (done) reader.end()
    else {
      chunks.push(value)
      reader.feed(value)
      length += value.byteLength
    }
    if (reader.error !== undefined) throw errorEvent(answered, reader.error)
    if (reader.hasContent || (done && reader.isComplete)) break
    if (done) throw broken(answered, 'the stream ended before any content')
    if (length > MAX_PRELUDE_BYTES) throw broken(answered, `${length} bytes came without any content`)
  }
  bytes.releaseLock()
  lifeline.enter('idle')
  const prelude = concat(chunks)
  return {
    kind: 'stream',
    target,
    headers: response.headers,
    source: response.body,
    prelude,
    reader,
    filter,
    losses,
    isTranslated,
    standIns,
    lifeline,
    firstContentAtMs: effects.now(),
  }
}

async function notAStream(answered: Answered, type: string): Promise<SluiceError> {
  const { response, target, lifeline } = answered
  const body = new Uint8Array(await response.arrayBuffer().catch(() => new ArrayBuffer(0)))
  const stopped = stoppedFailure(target, lifeline)
  if (stopped !== undefined) return stopped
  const error = errorIn(answered, body, type)
  if (error !== undefined) return errorWith200(target, body, error)
  const wanted = answered.lane.isBytes === true ? 'a file' : 'a stream'
  const message = `${wanted} was asked for, but it sent ${type === '' ? 'no content type' : type}: ${sampleOf(answered, body)}`
  return new SluiceError({ kind: 'upstream_invalid', provider: target.providerId, message })
}

function errorIn({ lane }: Answered, body: Uint8Array, type: string) {
  try {
    return lane.readReply(body, type).error
  } catch {
    return undefined
  }
}

function errorEvent(
  { target }: Answered,
  { message, data, status }: NonNullable<StreamReader['error']>,
): SluiceError {
  const provider = target.providerId
  return new SluiceError({ kind: 'upstream_error_event', provider, message, data, status })
}

function broken({ target }: Answered, message: string): SluiceError {
  return new SluiceError({ kind: 'upstream_incomplete', provider: target.providerId, message })
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
