import * as z from 'zod'
import { broughtSchema } from '../providers/brought'

const name = z.string().min(1)
const AT_LEAST_ONE = 'the list is empty; name at least one, or leave the parameter out'
const names = z.array(name).min(1, AT_LEAST_ONE)
const weight = z.number().gt(0, 'Weight has to be greater than 0')

const entry = z.object({ model: name, weight: weight.default(1), credentials: broughtSchema.nullish() })
const entries = z.array(entry).min(1, AT_LEAST_ONE)

const keyLimits = { available_models: z.array(name).nullish(), exclude_models: z.array(name).nullish() }
/** One of several keys of a provider. */
const providerKey = z.object({ credentials: broughtSchema, weight: weight.default(1), ...keyLimits })
/** A deployment: keys of one or more providers that are drawn together. */
const deployment = z.object({
  credentials: z.record(name, broughtSchema),
  weight: weight.default(1),
  ...keyLimits,
})

const MAX_RETRIES = 100
const MAX_RETRY_AFTER_SECONDS = 3_600

/** How often and how soon a failed call is repeated; other keys are refused, as Respan does. */
export const retryShape = z.strictObject({
  retry_enabled: z.boolean().optional(),
  num_retries: z.number().int().gt(0, 'num_retries has to be greater than 0').max(MAX_RETRIES).optional(),
  retry_after: z
    .number()
    .gt(0, 'retry_after has to be greater than 0')
    .max(MAX_RETRY_AFTER_SECONDS)
    .optional(),
})

/** The gateway parameters that say who may answer, with whose keys, and how often it is tried. */
export const routingShape = {
  fallback_models: names.nullish(),
  disable_fallback: z.boolean().nullish(),
  load_balance_group: z.object({ group_id: name, models: entries.nullish() }).nullish(),
  load_balance_models: entries.nullish(),
  loadbalance_models: entries.nullish(),
  models: z
    .array(z.union([name, entry]))
    .min(1, AT_LEAST_ONE)
    .nullish(),
  exclude_models: z.array(name).nullish(),
  exclude_providers: z.array(name).nullish(),
  retry_params: retryShape.nullish(),
  retries: z.number().int().min(0).max(MAX_RETRIES).nullish(),
  credential_override: z.record(name, broughtSchema).nullish(),
  customer_credentials: z
    .union([
      z.array(deployment).min(1, AT_LEAST_ONE),
      z.record(name, z.union([z.array(providerKey).min(1, AT_LEAST_ONE), broughtSchema])),
    ])
    .nullish(),
  customer_api_keys: z.record(name, name).nullish(),
  model_name_map: z.record(name, name).nullish(),
}

/** They, validated. */
export type RoutingParameters = z.infer<z.ZodObject<typeof routingShape>>

/** A model in a list that is drawn from. */
export type BalancedEntry = z.infer<typeof entry>
