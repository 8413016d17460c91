import { SluiceError } from '../platform/failure'
import type { Target } from '../providers/target'
import { targetOfProvider } from '../routing/resolve'
import { surroundingsOf } from '../routing/surroundings'
import { type Isolate, MISS_AGE_MS } from './isolate'
import type { Exchange } from './stages'

/**
 * A provider itself, without a model: where its API is, and with which credential it is called.
 * @throws SluiceError `not_found`
 */
export async function providerTarget(
  { env, protocol, background }: Pick<Exchange, 'env' | 'protocol' | 'background'>,
  isolate: Isolate,
  providerId: string,
): Promise<Target> {
  const config = await isolate.config.get(background)
  const target = targetOfProvider(providerId, '', surroundingsOf(env, config, protocol.speaks))
  if (target !== undefined) return target
  // It may have been stored a moment ago.
  const newer = await isolate.config.refreshed(background, MISS_AGE_MS)
  const found = targetOfProvider(providerId, '', surroundingsOf(env, newer, protocol.speaks))
  if (found !== undefined) return found
  const message = `There is no provider named '${providerId}'.`
  throw new SluiceError({ kind: 'not_found', code: 'provider_not_found', message })
}
