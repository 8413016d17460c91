import type { Caller } from '../keys/authenticate'
import { type AppliedLimits, appliedLimits } from '../limits/applied-limits'
import { expectedOutput } from '../limits/output-history'
import { type Policy, shownValue } from '../limits/policy'
import { amountsOf } from '../limits/wish'
import type { Config } from '../platform/config'
import type { Timeouts } from '../platform/lifeline'
import type { Target } from '../providers/target'
import type { Pin } from '../routing/pin'
import { surroundingsOf } from '../routing/surroundings'
import { admittedIntake, jobOf, prepare } from './admit'
import { cacheWish, cachingOf } from './caching'
import { explainedTargets } from './explain-target'
import type { Intake } from './intake'
import type { Isolate } from './isolate'
import { type WishFacts, wishOf } from './limit-wish'
import { admittingModel } from './model-limits'
import type { Known } from './record'
import { indexOf, limitsOf } from './reserve-limits'
import type { Exchange, Job } from './stages'
import { pricedOnlyPolicy, unknownPrice } from './unpriced'

/**
 * What would be done with a request, in the words of the API: the same steps as of a call, up to the first that would
 * reserve, send or log anything.
 * @throws SluiceError that the call would end with before anybody is asked
 */
export async function explain(
  exchange: Exchange,
  isolate: Isolate,
  { caller, pin }: { caller: Caller; pin: Pin | undefined },
) {
  const { env, protocol } = exchange
  const known: Known = { attempts: [] }
  const intake = await admittedIntake(exchange, isolate, known)
  const prepared = await prepare(exchange, isolate, { intake, caller, pin })
  const { config } = prepared
  const job = jobOf(exchange, isolate, { caller, intake, prepared, attempts: [] })
  const limits = await limited(job, config)
  return {
    object: 'explanation',
    protocol: protocol.id,
    model: intake.model ?? null,
    stream: intake.stream,
    targets: await explainedTargets(
      withoutUnpriced(job, limits),
      surroundingsOf(env, config, protocol.speaks),
    ),
    retry: { num_retries: job.retry.retries, retry_after: job.retry.firstWaitMs / 1_000 },
    deadlines: inSeconds(job.timeouts),
    limits: limits.flatMap(explainedLimits),
    parameters: explainedParameters(intake),
    prompt: explainedPrompt(known.prompt),
    cache_key: await explainedKey(job, isolate, config),
  }
}

/** The stored prompt, and the messages with it, as they would be sent. */
function explainedPrompt(prompt: Known['prompt']) {
  if (prompt === undefined) return null
  const { id, name, version, label = null } = prompt
  return { id, name, version, label, messages: JSON.parse(prompt.messagesJson() ?? 'null') }
}

async function explainedKey(job: Job, isolate: Isolate, config: Config): Promise<string | null> {
  const wish = cacheWish(job, { intake: job.intake, config })
  if (wish === undefined) return null
  return (await cachingOf(job, isolate, { ...job, config, wish }))?.key ?? null
}

/** In the words and the unit of the settings. */
function inSeconds({ headersMs, firstContentMs, idleMs, totalMs }: Timeouts) {
  return {
    headers: headersMs / 1_000,
    first_content: firstContentMs / 1_000,
    idle: idleMs / 1_000,
    total: totalMs / 1_000,
  }
}

/** Limits that are asked in one step, and what the request may take of them. */
interface Limited {
  applied: readonly AppliedLimits[]
  targets: readonly Target[]
  facts: WishFacts
  /** The limit that keeps it from what nobody can tell the cost of. */
  by: Policy | undefined
}

/** The limits that are asked first, and those on each model that the request may come to behind its first. */
async function limited(job: Job, config: Config): Promise<Limited[]> {
  const { caller, intake, targets, protocol, env } = job
  const model = admittingModel(targets)
  const first = limitsOf(job, config, { caller, parameters: intake.parameters, model })
  const index = indexOf(env, config)
  const later = [...new Set(targets.map((target) => target.model))].filter((other) => other !== model)
  const steps = [
    { applied: first, model, targets },
    ...later.map((other) => ({
      applied: appliedLimits(index, { model: other }),
      model: other,
      targets: targets.filter((target) => target.model === other),
    })),
  ].filter(({ applied }) => applied.length > 0)
  const estimate = () => protocol.estimateTokens(intake.bytes, intake.members)
  return Promise.all(
    steps.map(async (step) => {
      const facts = await wishOf(job, step.applied, { caller, estimate, ...step })
      const isKept = facts.unpriced.length > 0
      return { ...step, facts, by: isKept ? pricedOnlyPolicy(step.applied, { caller, config }) : undefined }
    }),
  )
}

// Whose price nobody can tell is not called where a limit on cost would have to count it.
function withoutUnpriced(job: Job, limits: readonly Limited[]): Job {
  const targets = job.targets.map((target) => {
    const by = limits.find((one) => one.by !== undefined && one.facts.unpriced.includes(target))?.by
    return by === undefined ? target : { ...target, problem: unknownPrice(by, target.model) }
  })
  return { ...job, targets }
}

function explainedLimits({ applied, facts, targets }: Limited) {
  const { wish, unpriced, isPriceAway } = facts
  const isPriceUnknown = unpriced.length > 0 && unpriced.length === targets.length
  const { output } = wish
  // The ledgers know better, once they have seen calls like this one.
  const written = output === undefined ? 0 : output.choices * expectedOutput(null, output.mostTokens)
  const amounts = amountsOf(wish, written)
  return applied.flatMap(({ scope, subject, policies }) =>
    policies.map(({ name, metric, window, value, action }) => ({
      ...{ name, scope, subject, metric },
      window: metric === 'concurrency' ? null : window,
      value: shownValue(metric, value),
      action,
      reserves:
        metric === 'cost' && (isPriceUnknown || isPriceAway) ? null : shownValue(metric, amounts[metric]),
    })),
  )
}

/** Names only: what was given may be a secret. */
function explainedParameters({ parameters, ignored, wayOf }: Intake) {
  const read = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null)
  return { read: read.map(([name]) => ({ name, given_in: wayOf(name) ?? null })), ignored }
}
