import type { CacheEntry, EntryFacts } from '../cache/entry'
import { keepable } from '../cache/keepable'
import type { Beat, RecordedReply } from '../cache/recorded-reply'
import { writeEntry } from '../cache/response-cache'
import type { Target } from '../providers/target'
import { type Caching, modelOf } from './caching'
import { customerOf } from './gateway-parameters'
import type { Known } from './record'
import { contentTypeOf } from './reply'
import type { Ending, Exchange, Job, OpenStream, WholeAnswer } from './stages'

/**
 * Keeps an answer for the next who ask the same, behind the answer itself; only one that nothing is missing of. Tells
 * whether it does.
 */
export async function keepAnswer(exchange: Exchange, known: Known, ending: Ending): Promise<boolean> {
  const { caching, cached } = known
  const { received, target, kind } = ending
  if (caching === undefined || received === undefined || target === undefined) return false
  if (cached !== undefined || kind !== 'completed' || !isAskedFor(caching, target)) return false
  const { key, policy, isChat, responses } = caching
  // The client's answer goes first.
  await scheduler.wait(0)
  const found = keepableOrNothing(received, isChat)
  if (found === undefined || (found.hasToolCalls && !policy.keepsToolCalls)) return false
  const { env, effects, background } = exchange
  const about = { ...factsOf(exchange, known, { ...ending, target, caching }), ...found }
  const entry: CacheEntry = { reply: received, about }
  background(writeEntry(env, responses, { key, entry, nowMs: effects.now() }))
  return true
}

/** Whether a target is one that was asked for: the answer of a fallback is not. */
export function isAskedFor({ models }: Pick<Caching, 'models'>, target: Target): boolean {
  return models?.includes(modelOf(target)) !== false
}

/** What is known of an answer that others get, when it has ended or as long as it comes. */
export function factsOf(
  { effects, startedAtMs, logId }: Exchange,
  { intake }: Pick<Known, 'intake'>,
  given: Pick<Ending, 'losses' | 'usage' | 'usageSource' | 'facts'> & { target: Target; caching: Caching },
): EntryFacts {
  const { target, caching, losses = [], usage, usageSource, facts } = given
  const nowMs = effects.now()
  const { prices, pricesAs } = target
  return {
    ...{ askedAtMs: startedAtMs, createdAtMs: nowMs, expiresAtMs: nowMs + caching.policy.ttlMs, logId },
    ...{ hasToolCalls: false, losses: [...losses], usage, usageSource, prices, pricesAs },
    customer: intake === undefined ? undefined : customerOf(intake.parameters),
    ...{ finishReason: facts?.finishReason, responseId: facts?.responseId },
  }
}

// A reply that was good enough for its client may still be none that can be told to others.
function keepableOrNothing(received: RecordedReply, isChat: boolean) {
  try {
    return keepable(received, isChat)
  } catch {
    return undefined
  }
}

/** A whole answer as its upstream sent it, where it may be kept. */
export function receivedWhole({ caching }: Job, answer: WholeAnswer): Pick<Ending, 'received'> {
  const { received, target, headers } = answer
  if (caching === undefined || received === undefined) return {}
  const { bytes, standIns } = received
  const head = { ...headOf(target, headers), isStream: false, standIns }
  return { received: { head, bytes, beats: [] } }
}

/** A stream as its upstream sent it. */
export function receivedStream(
  { target, headers, standIns }: OpenStream,
  { bytes, beats }: { bytes: Uint8Array; beats: readonly Beat[] },
): RecordedReply {
  return { head: { ...headOf(target, headers), isStream: true, standIns }, bytes, beats }
}

function headOf({ protocol, providerId, model, upstreamModel }: Target, headers: Headers) {
  return { protocol, contentType: contentTypeOf(headers), providerId, model, upstreamModel }
}
