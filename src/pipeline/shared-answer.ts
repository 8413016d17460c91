import type { SharedEnd, SharedHead } from '../cache/shared-reply'
import { shareCall } from '../flights/share'
import { numberVariable } from '../platform/env'
import { leaseMsOf } from './deadlines'
import { firstAnswer } from './first-answer'
import { type JoinedAnswer, joinAnswer } from './join-answer'
import { leadForOthers } from './lead-for-others'
import type { Known } from './record'
import type { Answer, Job } from './stages'

/** Whoever saw so many calls of others fail makes its own, and waits no longer for them to fail one by one. */
const MAX_JOINED = 2
const DEFAULT_WAIT_MS = 1_000

/**
 * The answer to a request: of its own call, or, where it may be cached, of the call that another request makes for the
 * same at this moment.
 * @throws SluiceError of the last attempt
 */
export async function sharedAnswer(job: Job, known: Known): Promise<Answer | JoinedAnswer> {
  const { caching } = job
  // Who wants a new answer wants a call of its own.
  if (caching === undefined || caching.isRefresh) return firstAnswer(job, known)
  for (let joined = 0; joined < MAX_JOINED; joined++) {
    const share = await shareCall<SharedHead, SharedEnd>(job.env, caching.key, {
      leaseMs: leaseMsOf(job.timeouts),
      // What lingers and did not do, having been cleared since, must not come again.
      maxAgeMs: joined === 0 ? caching.policy.ttlMs : 0,
      waitMs: numberVariable(job.env.SHARE_TIMEOUT_MS, DEFAULT_WAIT_MS),
      background: job.background,
    })
    if (share.kind === 'alone') break
    if (share.kind === 'lead') return leadForOthers(job, known, { others: share.recording, caching })
    const answer = await joinAnswer(job, known, { frames: share.frames, caching })
    if (answer === 'alone') break
    if (answer !== 'failed') return answer
  }
  return firstAnswer(job, known)
}
