import type { Caller } from '../keys/authenticate'
import { expectedOutput } from '../limits/output-history'
import { shownValue } from '../limits/policy'
import { amountsOf } from '../limits/wish'
import type { Config } from '../platform/config'
import type { Timeouts } from '../platform/lifeline'
import type { Pin } from '../routing/pin'
import { surroundingsOf } from '../routing/surroundings'
import { admittedIntake, jobOf, prepare } from './admit'
import { cacheWish, cachingOf } from './caching'
import { explainedTargets } from './explain-target'
import type { Intake } from './intake'
import type { Isolate } from './isolate'
import { wishOf } from './limit-wish'
import type { Known } from './record'
import { limitsOf } from './reserve-limits'
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
    limits: explainedLimits(job, limits),
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

/** The limits that a request has, and what it may take of them. */
async function limited(job: Job, config: Config) {
  const { caller, intake, targets, protocol } = job
  const request = { caller, parameters: intake.parameters, model: targets[0]?.model }
  const applied = limitsOf(job, config, request)
  if (applied.length === 0) return undefined
  const estimate = () => protocol.estimateTokens(intake.bytes, intake.members)
  const facts = await wishOf(job, applied, { ...request, targets, estimate })
  const by = facts.unpriced.length === 0 ? undefined : pricedOnlyPolicy(applied, { caller, config })
  return { applied, facts, by }
}

type Limited = Awaited<ReturnType<typeof limited>>

// Whose price nobody can tell is not called where a limit on cost would have to count it.
function withoutUnpriced(job: Job, limits: Limited): Job {
  if (limits?.by === undefined) return job
  const { by, facts } = limits
  const targets = job.targets.map((target) =>
    facts.unpriced.includes(target) ? { ...target, problem: unknownPrice(by, target.model) } : target,
  )
  return { ...job, targets }
}

function explainedLimits({ targets }: Job, limits: Limited) {
  if (limits === undefined) return []
  const { applied, facts } = limits
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
