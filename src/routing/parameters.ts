import * as z from 'zod/mini'
import { broughtSchema } from '../providers/brought'

const name = z.string().check(z.minLength(1))
const AT_LEAST_ONE = 'the list is empty; name at least one, or leave the parameter out'
const names = z.array(name).check(z.minLength(1, AT_LEAST_ONE))
const weight = z.number().check(z.gt(0, 'Weight has to be greater than 0'))

const entry = z.object({ model: name, weight: z._default(weight, 1), credentials: z.nullish(broughtSchema) })
const entries = z.array(entry).check(z.minLength(1, AT_LEAST_ONE))

const keyLimits = { available_models: z.nullish(z.array(name)), exclude_models: z.nullish(z.array(name)) }
/** One of several keys of a provider. */
const providerKey = z.object({ credentials: broughtSchema, weight: z._default(weight, 1), ...keyLimits })
/** A deployment: keys of one or more providers that are drawn together. */
const deployment = z.object({
  credentials: z.record(name, broughtSchema),
  weight: z._default(weight, 1),
  ...keyLimits,
})

const MAX_RETRIES = 100
const MAX_RETRY_AFTER_SECONDS = 3_600

/** How often and how soon a failed call is repeated; other keys are refused, as Respan does. */
export const retryShape = z.strictObject({
  retry_enabled: z.optional(z.boolean()),
  num_retries: z.optional(z.int().check(z.gt(0, 'num_retries has to be greater than 0'), z.lte(MAX_RETRIES))),
  retry_after: z.optional(
    z.number().check(z.gt(0, 'retry_after has to be greater than 0'), z.lte(MAX_RETRY_AFTER_SECONDS)),
  ),
})

/** The gateway parameters that say who may answer, with whose keys, and how often it is tried. */
export const routingShape = {
  fallback_models: z.nullish(names),
  disable_fallback: z.nullish(z.boolean()),
  load_balance_group: z.nullish(z.object({ group_id: name, models: z.nullish(entries) })),
  load_balance_models: z.nullish(entries),
  loadbalance_models: z.nullish(entries),
  models: z.nullish(z.array(z.union([name, entry])).check(z.minLength(1, AT_LEAST_ONE))),
  exclude_models: z.nullish(z.array(name)),
  exclude_providers: z.nullish(z.array(name)),
  retry_params: z.nullish(retryShape),
  retries: z.nullish(z.int().check(z.gte(0), z.lte(MAX_RETRIES))),
  credential_override: z.nullish(z.record(name, broughtSchema)),
  customer_credentials: z.nullish(
    z.union([
      z.array(deployment).check(z.minLength(1, AT_LEAST_ONE)),
      z.record(name, z.union([z.array(providerKey).check(z.minLength(1, AT_LEAST_ONE)), broughtSchema])),
    ]),
  ),
  customer_api_keys: z.nullish(z.record(name, name)),
  model_name_map: z.nullish(z.record(name, name)),
}

/** They, validated. */
export type RoutingParameters = z.infer<z.ZodMiniObject<typeof routingShape>>

/** A model in a list that is drawn from. */
export type BalancedEntry = z.infer<typeof entry>
