import type { CacheEntry } from '../cache/entry'
import { keepable } from '../cache/keepable'
import type { Beat, RecordedReply } from '../cache/recorded-reply'
import { writeEntry } from '../cache/response-cache'
import type { Target } from '../providers/target'
import { type Caching, modelOf } from './caching'
import { customerOf } from './gateway-parameters'
import type { Known } from './record'
import { contentTypeOf } from './reply'
import type { Ending, Exchange, Job, OpenStream, WholeAnswer } from './stages'

/** Keeps an answer for the next who ask the same, behind the answer itself; only one that nothing is missing of. */
export function keepAnswer(exchange: Exchange, known: Known, ending: Ending): void {
  const { caching, cached } = known
  const { received, target, kind } = ending
  if (caching === undefined || received === undefined || target === undefined) return
  if (cached !== undefined || kind !== 'completed') return
  // A fallback's answer is not the one that was asked for.
  if (caching.models?.includes(modelOf(target)) === false) return
  exchange.background(keep(exchange, known, { ending, received, target, caching }))
}

async function keep(
  { env, effects, startedAtMs, logId }: Exchange,
  { intake }: Known,
  given: { ending: Ending; received: RecordedReply; target: Target; caching: Caching },
): Promise<void> {
  const { ending, received, target, caching } = given
  const { key, policy, isChat, responses } = caching
  // The client's answer goes first.
  await scheduler.wait(0)
  const found = keepableOrNothing(received, isChat)
  if (found === undefined || (found.hasToolCalls && !policy.keepsToolCalls)) return
  const nowMs = effects.now()
  const { facts, usage, usageSource, losses = [] } = ending
  const { prices, pricesAs } = target
  const customer = intake === undefined ? undefined : customerOf(intake.parameters)
  const about: CacheEntry['about'] = {
    ...{ askedAtMs: startedAtMs, createdAtMs: nowMs, expiresAtMs: nowMs + policy.ttlMs, logId, ...found },
    losses: [...losses],
    ...{ customer, usage, usageSource, prices, pricesAs },
    ...{ finishReason: facts?.finishReason, responseId: facts?.responseId },
  }
  await writeEntry(env, responses, { key, entry: { reply: received, about }, nowMs })
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
