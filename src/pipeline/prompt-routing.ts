import * as z from 'zod/mini'
import { SluiceError } from '../platform/failure'
import { isPromptModel } from '../prompts/prompt-call'
import { routingShape } from '../routing/parameters'
import type { GatewayParameters } from './gateway-parameters'
import type { Intake } from './intake'
import type { Insertion } from './prompt-insertion'

/** Who answers a request with a prompt. */
export interface Routed {
  model: string | undefined
  parameters: GatewayParameters
}

/** Parameters that say who answers; a prompt has them for the gateway, not for a provider. */
export const ROUTING_NAMES: ReadonlySet<string> = new Set([
  ...['model', 'fallback_models', 'load_balance_models', 'loadbalance_models'],
])

const forcedSchema = z.looseObject({
  model: z.nullish(z.string().check(z.minLength(1))),
  fallback_models: routingShape.fallback_models,
  load_balance_models: routingShape.load_balance_models,
})

/** The models of a prompt or of a request: the one that wins says both the model and those that share its requests. */
export function routedBy(intake: Intake, { call, content }: Insertion): Routed {
  const { parameters } = intake
  const asked = isPromptModel(intake.model) || intake.model === '' ? undefined : intake.model
  const requestWins = call.mode === 'request' || call.mode === 'defaults'
  const { model, fallbackModels, loadBalanceModels: shared } = content
  const hasOwn = model !== undefined || shared !== undefined
  const names = { model: asked, parameters }
  const keepsRequest = !hasOwn || (requestWins && (asked !== undefined || isShared(parameters)))
  const first = keepsRequest
    ? names
    : { model: model ?? asked, parameters: { ...unshared(parameters), ...sharing(shared) } }
  const keepsFallbacks = requestWins && parameters.fallback_models != null
  const withFallbacks =
    fallbackModels === undefined || keepsFallbacks
      ? first.parameters
      : { ...first.parameters, fallback_models: [...fallbackModels] }
  return forcedBy({ model: first.model, parameters: withFallbacks }, call.forced)
}

function forcedBy(routed: Routed, given: Readonly<Record<string, unknown>> | undefined): Routed {
  if (given === undefined) return routed
  const parsed = forcedSchema.safeParse(given)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const param = `prompt.override_params.${issue?.path.join('.') ?? ''}`
    const message = `Invalid '${param}': ${issue?.message ?? 'not valid'}.`
    throw new SluiceError({ kind: 'invalid_request', code: 'invalid_prompt', param, message })
  }
  const { model, fallback_models: fallbacks, load_balance_models: shared } = parsed.data
  const isForced = model != null || shared != null
  return {
    model: model ?? routed.model,
    parameters: {
      ...(isForced ? unshared(routed.parameters) : routed.parameters),
      ...(shared == null ? {} : { load_balance_models: shared }),
      ...(fallbacks == null ? {} : { fallback_models: fallbacks }),
    },
  }
}

function isShared(parameters: GatewayParameters): boolean {
  return SHARING.some((name) => parameters[name] != null)
}

const SHARING = ['load_balance_group', 'load_balance_models', 'loadbalance_models', 'models'] as const

function unshared(parameters: GatewayParameters): GatewayParameters {
  const { load_balance_group, load_balance_models, loadbalance_models, models, ...others } = parameters
  return others
}

function sharing(models: Insertion['content']['loadBalanceModels']): Partial<GatewayParameters> {
  if (models === undefined) return {}
  return { load_balance_models: models.map(({ model, weight }) => ({ model, weight })) }
}
