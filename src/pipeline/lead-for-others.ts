import type { SharedEnd, SharedHead } from '../cache/shared-reply'
import type { Recording } from '../flights/recording'
import type { Caching } from './caching'
import { firstAnswer } from './first-answer'
import { factsOf, isAskedFor, receivedStream } from './keep-answer'
import type { Known } from './record'
import type { Answer, Ending, Job, OpenStream } from './stages'

/** What others who ask the same are told through. */
export type Others = Recording<SharedHead, SharedEnd>

/**
 * Makes the call for all who ask the same: they are given what comes while it comes, and it goes on without its own
 * client as long as one of them waits.
 */
export async function leadForOthers(
  job: Job,
  known: Known,
  { others, caching }: { others: Others; caching: Caching },
): Promise<Answer> {
  const leading = new AbortController()
  const over = Promise.withResolvers<void>()
  const { signal } = job.request
  signal.addEventListener('abort', others.leave, { once: true })
  if (signal.aborted) others.leave()
  void others.unwanted.then(() => leading.abort())
  // The client may leave before there is anything else that keeps the request going.
  job.background(over.promise)
  let isTold = false
  known.tellOthers = (ending, keeping) =>
    over.resolve(
      isTold ? tellEnd(others, ending, keeping) : tellWhole(job, known, { others, ending, keeping, caching }),
    )
  const answer = await firstAnswer({ ...job, signal: leading.signal }, known)
  if (answer.kind === 'whole') return answer
  if (!isAskedFor(caching, answer.target)) {
    void others.fail()
    return answer
  }
  isTold = true
  void others.head(headOfStream(job, known, { stream: answer, caching }))
  return { ...answer, tellOthers: (bytes) => void others.bytes(bytes) }
}

function headOfStream(
  job: Job,
  known: Known,
  { stream, caching }: { stream: OpenStream; caching: Caching },
): SharedHead {
  const { target, losses } = stream
  const { head } = receivedStream(stream, { bytes: new Uint8Array(0), beats: [] })
  return { reply: head, about: factsOf(job, known, { target, losses, caching }) }
}

async function tellWhole(
  job: Job,
  known: Known,
  given: { others: Others; ending: Ending; keeping: Promise<boolean>; caching: Caching },
): Promise<void> {
  const { others, ending, keeping, caching } = given
  const { received, target, kind } = ending
  const isGood = kind === 'completed' && target !== undefined && isAskedFor(caching, target)
  if (!isGood || received === undefined || received.head.isStream) return others.fail()
  void others.head({ reply: received.head, about: factsOf(job, known, { ...ending, target, caching }) })
  void others.bytes(received.bytes)
  await tellEnd(others, ending, keeping)
}

async function tellEnd(others: Others, ending: Ending, keeping: Promise<boolean>): Promise<void> {
  const { kind, usage, usageSource, facts } = ending
  const isKept = await keeping.catch(() => false)
  const { finishReason, responseId } = facts ?? {}
  await others.end({ isComplete: kind === 'completed', isKept, usage, usageSource, finishReason, responseId })
}
