import * as z from 'zod'
import { sourceOf, type Target } from '../../../src/providers/target'
import { type RoutingParameters, routingShape } from '../../../src/routing/parameters'
import { type PlanLuck, plan, type RouteRequest } from '../../../src/routing/plan'
import type { RoutingSources, StoredCredential } from '../../../src/routing/sources'
import { modelRow, providerRow, surroundings } from '../config-rows'

/** Two custom providers with keys, one without, and the built-in ones whose secrets are set. */
export const around = surroundings({
  providers: [
    providerRow('acme', { sealedApiKey: 'sealed-acme', sealedHeaders: 'sealed-headers' }),
    providerRow('beta', { sealedApiKey: 'sealed-beta' }),
    providerRow('open'),
  ],
  models: [
    modelRow('fast', { providerId: 'acme', fallbackModels: ['beta/own'] }),
    modelRow('MY_CUSTOM_MODEL_ID', { providerId: 'acme', upstreamModel: 'mine' }),
    modelRow('small', { providerId: 'beta', maxContextWindow: 8_000 }),
  ],
  variables: { OPENAI_API_KEY: 'k', AWS_REGION: 'us-east-1' },
})

/** A stored credential that may go wherever its provider is. */
function sealed(text: string, from?: 'load_balance'): StoredCredential {
  const credential = {
    kind: 'stored' as const,
    sealed: text,
    context: 'c',
    ...(from === undefined ? {} : { from }),
  }
  return { on: (target) => ({ ...target, credential }) }
}

/** The stored part of routing. */
export const sources: RoutingSources = {
  groups: new Map([
    [
      'main',
      {
        models: [
          { model: 'acme/g1', weight: 1 },
          { model: 'beta/g2', weight: 1 },
        ],
      },
    ],
    [
      'keyed',
      { models: [{ model: 'acme/g1', weight: 1, credentials: sealed('sealed-group', 'load_balance') }] },
    ],
  ]),
  keys: new Map([
    ['beta', [{ name: 'second', weight: 1, ...sealed('sealed-second') }]],
    [
      'openai',
      [
        { name: 'a', weight: 1, ...sealed('sealed-a'), excludeModels: ['gpt-4o'] },
        { name: 'b', weight: 1, ...sealed('sealed-b'), availableModels: ['gpt-4*'] },
      ],
    ],
  ]),
  fallbackModels: ['acme/platform'],
}

/** What a client writes of routing. */
export type Written = z.input<z.ZodObject<typeof routingShape>>

/** Dice that fall as told, and then high: what is drawn stays in the order of the list. */
export function rolls(...values: number[]): PlanLuck {
  let next = 0
  return { roll: () => values[next++] ?? 0 }
}

/** The parameters as the schema leaves them. */
export function read(written: Written): RoutingParameters {
  return z.object(routingShape).parse(written)
}

/** The plan of a request. */
export function planOf(
  written: Written & { model?: string },
  given: Partial<RouteRequest> & { luck?: PlanLuck; sources?: RoutingSources } = {},
): Target[] {
  const { model, ...parameters } = written
  const { luck = rolls(), sources: stored = {}, ...more } = given
  const request: RouteRequest = { model, parameters: read(parameters), allowedModels: undefined, ...more }
  return plan(request, around, luck, stored)
}

/** `provider: model there (credential) reason` of each target, in order. */
export function told(targets: readonly Target[]): string[] {
  return targets.map(
    ({ providerId, upstreamModel, credential, reason = 'requested' }) =>
      `${providerId}: ${upstreamModel} (${sourceOf(credential)}) ${reason}`,
  )
}
