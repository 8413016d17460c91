import type { Caller } from '../keys/authenticate'
import { numberVariable } from '../platform/env'
import { DEFAULT_MAX_BODY_BYTES } from '../platform/read-body'
import type { Pin } from '../routing/pin'
import { jobOf, prepare } from './admit'
import { type CacheLookup, cacheWish, lookUp } from './caching'
import { type Intake, readIntake } from './intake'
import type { Isolate } from './isolate'
import type { Exchange } from './stages'

/**
 * The key of a request as if it wanted the cache, and the answer that it would be given; undefined for a request that
 * is never answered from it.
 * @throws SluiceError that the call would end with before anybody is asked
 */
export async function lookUpOnly(
  exchange: Exchange,
  isolate: Isolate,
  { caller, pin }: { caller: Caller; pin: Pin | undefined },
): Promise<CacheLookup | undefined> {
  const maxBodyBytes = numberVariable(exchange.env.MAX_BODY_BYTES, DEFAULT_MAX_BODY_BYTES)
  const intake = wanting(await readIntake(exchange, maxBodyBytes))
  const prepared = await prepare(exchange, isolate, { intake, caller, pin })
  const { config } = prepared
  const job = jobOf(exchange, isolate, { caller, intake, prepared, attempts: [] })
  const wish = cacheWish(job, { intake, config })
  return wish === undefined ? undefined : lookUp(job, isolate, { ...job, config, wish })
}

function wanting(intake: Intake): Intake {
  return { ...intake, parameters: { ...intake.parameters, cache_enabled: true } }
}
