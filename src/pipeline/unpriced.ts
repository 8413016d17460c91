import type { AppliedLimits } from '../limits/applied-limits'
import type { Policy } from '../limits/policy'
import type { LogAttempt } from '../logs/log-record'
import { describe, type Failure } from '../platform/failure'
import { sourceOf, type Target } from '../providers/target'
import type { Known } from './record'
import type { Reservation } from './reserve-limits'

/** Targets that a limit on cost keeps a request from, since nobody can tell their prices. */
export interface Barred {
  by: Policy
  targets: ReadonlySet<Target>
}

/** The limit that keeps a request from what nobody can tell the cost of, where nothing else is set. */
export function pricedOnlyPolicy(
  applied: readonly AppliedLimits[],
  { caller, config }: Pick<Reservation, 'caller' | 'config'>,
): Policy | undefined {
  const unknownPrice = caller.unknownPrice ?? config.settings.unknown_price ?? 'block'
  if (unknownPrice === 'warn') return undefined
  const policies = applied.flatMap((one) => one.policies)
  return policies.find(({ metric, action }) => metric === 'cost' && action === 'block')
}

/** Why a model, or a call without one, is not for a request with this limit. */
export function unknownPrice({ name }: Policy, model: string | undefined): Failure {
  const what = model === undefined ? 'this call' : `'${model}'`
  return {
    kind: 'invalid_request',
    code: 'unknown_price',
    ...(model === undefined ? {} : { param: 'model' }),
    message: `The limit '${name}' is on cost, and nobody can tell what ${what} costs. Give the model prices (POST /api/models/), use another one, or let such calls through with unknown_price: 'warn', of the API key or of /api/settings/.`,
  }
}

/** The targets that may be called. Those that would have come before them are told as attempts that were not made. */
export function pricedTargets(
  targets: readonly Target[],
  known: Known,
  { barred, nowMs }: { barred: Barred; nowMs: number },
): readonly Target[] {
  const open = targets.filter((target) => !barred.targets.has(target))
  const first = targets.findIndex((target) => !barred.targets.has(target))
  const skipped = (target: Target) =>
    barred.targets.has(target) ? [skippedAttempt(target, unknownPrice(barred.by, target.model), nowMs)] : []
  known.attempts.push(...targets.slice(0, first).flatMap(skipped))
  known.skipped = targets.slice(first).flatMap(skipped)
  return open
}

/** Tells, once another target is looked for, which ones were not called; the last attempt stays one that was made. */
export function tellSkipped(known: Known): void {
  const { skipped = [], attempts } = known
  if (skipped.length > 0) attempts.splice(-1, 0, ...skipped.splice(0))
}

/** An attempt that was not made, and why. */
export function skippedAttempt(target: Target, failure: Failure, startedAtMs: number): LogAttempt {
  const { providerId, model, upstreamModel, credential, reason = 'requested' } = target
  const { status: statusCode, code: errorCode, message: errorMessage } = describe(failure)
  return {
    ...{ providerId, model, upstreamModel, reason, startedAtMs, latencyMs: 0 },
    credentialKind: sourceOf(credential),
    ...{ statusCode, errorCode, errorMessage, errorClass: 'unsuited' },
  }
}

/** Whether some limit counts cost, and nobody can tell that of the target that was called last. */
export function isPriceUnknown({ limits, attempts }: Pick<Known, 'limits' | 'attempts'>): boolean {
  if (limits === undefined) return false
  const { unpriced } = limits
  return unpriced === 'all' || unpriced.has(attempts.at(-1)?.model ?? '')
}
