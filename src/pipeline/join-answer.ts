import type { CacheEntry } from '../cache/entry'
import { decodeSharedEnd, decodeSharedHead, type SharedEnd } from '../cache/shared-reply'
import type { Frame, FrameReader } from '../flights/frames'
import { SluiceError } from '../platform/failure'
import { concat } from '../platform/json-edit'
import { cachedHeaders, endingOfCached, toldTo } from './cached'
import type { Caching } from './caching'
import { conclude } from './conclude'
import { attemptMsOf } from './deadlines'
import { withEcho } from './prompt-echo'
import type { Known } from './record'
import type { Job } from './stages'

/** An answer that another request's call brings. */
export interface JoinedAnswer {
  kind: 'joined'
  /** Without its bytes while they come. */
  entry: CacheEntry
  /** All of it, as the client wants it; absent for a stream that is still coming. */
  body?: Uint8Array
  frames: FrameReader
}

/**
 * Waits for another request's call. `failed` when that call brought nothing that can be given to this client, so that
 * another one is to call; `alone` when it has taken longer than this request may wait, or cannot be told to its client.
 */
export async function joinAnswer(
  job: Job,
  known: Known,
  { frames, caching }: { frames: FrameReader; caching: Caching },
): Promise<JoinedAnswer | 'failed' | 'alone'> {
  const { signal } = job.request
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    frames.cancel()
  }, longestWaitMs(job))
  signal.addEventListener('abort', frames.cancel, { once: true })
  if (signal.aborted) frames.cancel()
  try {
    const joined = await joinInTime(job, { frames, caching })
    if (signal.aborted) throw new SluiceError({ kind: 'cancelled' })
    if (joined === 'failed' && isLate) return 'alone'
    if (typeof joined === 'string') return joined
    known.cached = joined.entry
    const { key, policy } = caching
    known.cache = { status: 'joined', key, ...(policy.omitsLog ? { isOmitted: true } : {}) }
    return joined
  } finally {
    clearTimeout(timer)
  }
}

/** The answer to a request for a reply in one piece. */
export function joinedWhole(job: Job, known: Known, { entry, body }: JoinedAnswer): Response {
  if (body === undefined)
    throw new SluiceError({ kind: 'internal', message: 'A stream came for a reply in one piece.' })
  conclude(job, known, endingOfCached(job, entry, body))
  return new Response(withEcho(job, known, body), { headers: cachedHeaders(job, known, entry) })
}

/** The next frame of another's answer; undefined when the connection to it is gone. */
export function nextFrame(frames: FrameReader): Promise<Frame | undefined> {
  return frames.next().catch(() => undefined)
}

/** An entry with what is only known in the end. */
export function withEnd(entry: CacheEntry, end: SharedEnd): CacheEntry {
  const { isComplete: _, isKept: __, ...facts } = end
  return { ...entry, about: { ...entry.about, ...facts } }
}

// A request that names no time of its own waits for a first word as long as it would wait for a provider's.
function longestWaitMs({ intake, timeouts, deadlineAtMs, effects }: Job): number {
  const leftMs = deadlineAtMs - effects.now()
  const ownMs = attemptMsOf(intake) ?? (intake.stream ? timeouts.firstContentMs : leftMs)
  return Math.min(ownMs, leftMs)
}

async function joinInTime(
  job: Job,
  { frames, caching }: { frames: FrameReader; caching: Caching },
): Promise<JoinedAnswer | 'failed' | 'alone'> {
  const first = await nextFrame(frames)
  if (first?.kind !== 'head') return 'failed'
  const entry = entryOf(job, caching, first.payload)
  if (entry === undefined || !caching.suits(entry)) {
    frames.cancel()
    return 'failed'
  }
  if (job.intake.stream && entry.reply.head.isStream) return { kind: 'joined', entry, frames }
  const rest = await restOf(frames)
  if (rest === undefined || !rest.end.isComplete) return 'failed'
  const whole = withEnd({ ...entry, reply: { ...entry.reply, bytes: rest.bytes } }, rest.end)
  const body = toldTo(job, whole.reply)
  return body === undefined ? 'alone' : { kind: 'joined', entry: whole, body, frames }
}

// It is as young as can be: its time begins when it has come.
function entryOf({ effects }: Job, { policy }: Caching, payload: Uint8Array): CacheEntry | undefined {
  const told = decodeSharedHead(payload)
  if (told === undefined) return undefined
  const { reply: head, about } = told
  const createdAtMs = effects.now()
  return {
    reply: { head, bytes: new Uint8Array(0), beats: [] },
    about: { ...about, createdAtMs, expiresAtMs: createdAtMs + policy.ttlMs },
  }
}

async function restOf(frames: FrameReader): Promise<{ bytes: Uint8Array; end: SharedEnd } | undefined> {
  const pieces: Uint8Array[] = []
  for (let frame = await nextFrame(frames); frame !== undefined; frame = await nextFrame(frames)) {
    const end = frame.kind === 'end' ? decodeSharedEnd(frame.payload) : undefined
    if (end !== undefined) return { bytes: concat(pieces), end }
    pieces.push(frame.payload)
  }
  return undefined
}
