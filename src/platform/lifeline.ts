import type { DeadlinePhase } from './failure'

/** How long each phase of an upstream call may take, in milliseconds. */
export interface Timeouts {
  /** From the call to the response headers of a stream. */
  headersMs: number
  /** From the response headers of a stream to its first content. */
  firstContentMs: number
  /** Between two chunks of a stream. */
  idleMs: number
  /** The whole call; for a reply in one piece the only deadline, since its headers come when it is ready. */
  totalMs: number
  /** From the call to the first content of a stream, or to the end of a reply in one piece, whatever the others say. */
  attemptMs?: number
}

/** Why an upstream call was stopped from this side; `over` when nobody needs the rest of it. */
export type StopReason =
  | { kind: 'client_gone' }
  | { kind: 'deadline'; phase: DeadlinePhase; afterMs: number }
  | { kind: 'over' }

/** What keeps one upstream call alive, and the only thing that may end it early. */
export interface Lifeline {
  /** To be given to the `fetch` of the call: without it neither a hang-up nor a deadline reaches the upstream. */
  readonly signal: AbortSignal
  readonly stopped: StopReason | undefined
  /** Starts a phase and its deadline. */
  enter(phase: DeadlinePhase): void
  /** Bytes came: the deadline of the phase starts anew. */
  touch(): void
  stop(reason: StopReason): void
  /** Frees the timer and the listener. */
  release(): void
}

/**
 * One timer serves all phases: moving a deadline back only moves a number, and a timer that fires early is set again.
 * Short calls thus set one timer and clear it.
 */
export function createLifeline(given: {
  client: AbortSignal
  now: () => number
  timeouts: Timeouts
  /** The deadline of the request that the call is for, where there is one, and how long that has had in all. */
  whole?: { atMs: number; ms: number }
}): Lifeline {
  const { client, now, timeouts, whole } = given
  const controller = new AbortController()
  const startedAt = now()
  const ownAt = startedAt + timeouts.totalMs
  const allMs: Record<DeadlinePhase, number> = {
    headers: timeouts.headersMs,
    first_content: timeouts.firstContentMs,
    idle: timeouts.idleMs,
    total: whole !== undefined && whole.atMs < ownAt ? whole.ms : timeouts.totalMs,
  }
  const totalAt = Math.min(ownAt, whole?.atMs ?? Number.POSITIVE_INFINITY)
  const { attemptMs = Number.POSITIVE_INFINITY } = timeouts
  let limitMs = allMs.total
  let phase: DeadlinePhase = 'total'
  let phaseAt = totalAt
  let timer: ReturnType<typeof setTimeout> | undefined
  let timerAt = Number.POSITIVE_INFINITY
  let stopped: StopReason | undefined

  const stop = (reason: StopReason) => {
    stopped ??= reason
    controller.abort()
    release()
  }
  const onGone = () => stop({ kind: 'client_gone' })
  const release = () => {
    if (timer !== undefined) clearTimeout(timer)
    client.removeEventListener('abort', onGone)
  }
  const arm = () => {
    const dueAt = Math.min(phaseAt, totalAt)
    if (dueAt >= timerAt || stopped !== undefined) return
    if (timer !== undefined) clearTimeout(timer)
    timerAt = dueAt
    timer = setTimeout(check, Math.max(0, dueAt - now()))
  }
  const check = () => {
    timerAt = Number.POSITIVE_INFINITY
    const passed = now() >= totalAt ? 'total' : now() >= phaseAt ? phase : undefined
    if (passed === undefined) arm()
    else stop({ kind: 'deadline', phase: passed, afterMs: passed === phase ? limitMs : allMs[passed] })
  }

  if (client.aborted) onGone()
  else client.addEventListener('abort', onGone, { once: true })
  return {
    signal: controller.signal,
    get stopped() {
      return stopped
    },
    enter(next) {
      phase = next
      const nowMs = now()
      const isBounded = next !== 'idle' && startedAt + attemptMs < nowMs + allMs[next]
      limitMs = isBounded ? attemptMs : allMs[next]
      phaseAt = isBounded ? startedAt + attemptMs : nowMs + limitMs
      arm()
    },
    touch() {
      limitMs = allMs[phase]
      phaseAt = now() + limitMs
    },
    stop,
    release,
  }
}
