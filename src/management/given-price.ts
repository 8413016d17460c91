import type { Config } from '../platform/config'
import type { Env } from '../platform/env'
import { SluiceError } from '../platform/failure'
import type { ModelPrices } from '../providers/target'
import { resolveModel } from '../routing/resolve'
import { surroundingsOf } from '../routing/surroundings'

/** What a model's name says of its price; empty where the name means nothing here. */
export interface Priced {
  providerId?: string
  upstreamModel?: string
  prices?: ModelPrices | undefined
  pricesAs?: string | undefined
}

/** What the names of models mean here for their prices, whether or not their providers can be called. */
export function pricing(
  env: Pick<Env, 'ALLOW_PRIVATE_UPSTREAMS'>,
  config: Config,
): (model: string, providerId?: string) => Priced {
  const around = { ...surroundingsOf(env, config), keepsProblems: true as const }
  return (model, providerId) => {
    const own = providerId === undefined ? undefined : `${providerId}/${model}`
    for (const name of own === undefined || config.modelsByName.has(model) ? [model] : [own, model]) {
      try {
        const { providerId: id, upstreamModel, prices, pricesAs } = resolveModel(name, around)
        return { providerId: id, upstreamModel, prices, pricesAs }
      } catch (cause) {
        if (!(cause instanceof SluiceError)) throw cause
      }
    }
    return {}
  }
}
