import type { Target } from '../providers/target'
import { deploymentKey } from './deployments'
import { type Diagnosis, treatments } from './failure-class'

/**
 * What an isolate remembers of deployments that failed a moment ago. It is shared with nobody and asks nobody: each
 * isolate learns by itself, within a failure or two, and forgets by itself.
 */
export interface Health {
  failed(target: Target, diagnosis: Diagnosis, nowMs: number): void
  answered(target: Target): void
  isCooling(target: Target, nowMs: number): boolean
}

interface Memory {
  /** Failures, each worth half after `HALF_LIFE_MS`. */
  score: number
  atMs: number
  coolUntilMs: number
}

const HALF_LIFE_MS = 10_000
/** One failure may be chance; two in a short time are not. */
const COOLING_SCORE = 1.5
/** A deployment that failed often is tried again after this, too: half a minute or so. */
const MAX_SCORE = 8
const LONGEST_COOLING_MS = 10 * 60_000
const MAX_REMEMBERED = 1_000

/** An empty memory. */
export function createHealth(): Health {
  const memories = new Map<string, Memory>()
  return {
    failed(target, { class: kind, retryAfterMs }, nowMs) {
      const { cools } = treatments[kind]
      if (cools === 'not' || target.builtIn === true) return
      const key = deploymentKey(target)
      const before = memories.get(key)
      const forMs = retryAfterMs ?? (cools === 'counts' ? 0 : cools.forMs)
      if (memories.size >= MAX_REMEMBERED && before === undefined) memories.clear()
      memories.set(key, {
        score: Math.min(MAX_SCORE, scoreOf(before, nowMs) + (cools === 'counts' ? 1 : 0)),
        atMs: nowMs,
        coolUntilMs: Math.max(before?.coolUntilMs ?? 0, nowMs + Math.min(forMs, LONGEST_COOLING_MS)),
      })
    },
    answered(target) {
      if (memories.size > 0) memories.delete(deploymentKey(target))
    },
    isCooling(target, nowMs) {
      if (memories.size === 0) return false
      const memory = memories.get(deploymentKey(target))
      return memory !== undefined && (memory.coolUntilMs > nowMs || scoreOf(memory, nowMs) >= COOLING_SCORE)
    },
  }
}

function scoreOf(memory: Memory | undefined, nowMs: number): number {
  if (memory === undefined) return 0
  return memory.score * 2 ** ((memory.atMs - nowMs) / HALF_LIFE_MS)
}
