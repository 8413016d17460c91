import { describe, type Failure, SluiceError } from '../platform/failure'
import { NO_USAGE } from '../protocols/canonical'
import { paths } from '../protocols/paths'
import { shownCost } from '../providers/asked-prices'
import { credentialProblem } from '../providers/credentials'
import { operationUrl } from '../providers/operation-url'
import { redactedBytes } from '../providers/redact'
import { sourceOf, type Target } from '../providers/target'
import { modelDetails } from '../routing/model-details'
import type { Surroundings } from '../routing/resolve'
import { refuseLosses } from './attempt'
import { attemptTimeouts } from './deadlines'
import { type Lane, laneOf } from './lane'
import type { Job } from './stages'
import { asksForUsage } from './usage-request'

/** What would become of a request at a target, short of sending it. */
interface Trial {
  lane?: Lane
  /** Why there are no words to send. */
  refusal?: Failure
  /** Why it cannot be called. */
  problem?: Failure | undefined
}

/**
 * The targets of a request in order, each with what would be sent there or why nothing would.
 * @throws SluiceError of a request that is wrong in its own protocol, where the call would come to find that out
 */
export async function explainedTargets(job: Job, around: Surroundings) {
  const trials = await Promise.all(
    job.targets.map(async (target) => ({ target, trial: await tried(job, target) })),
  )
  for (const { problem, refusal } of trials.map(({ trial }) => trial)) {
    if (refusal !== undefined && refusal.kind !== 'untranslatable') throw new SluiceError(refusal)
    // The call would come no further, unless this target fails.
    if (refusal === undefined && problem === undefined) break
  }
  const shown = trials.map(({ target, trial }, index) =>
    explained(job, target, { trial, around, hasOthers: index < trials.length - 1 }),
  )
  return Promise.all(shown)
}

async function tried(job: Job, target: Target): Promise<Trial> {
  if (target.problem !== undefined) return { problem: target.problem }
  const problem = target.builtIn === true ? undefined : await credentialProblem(target, job.env)
  try {
    const lane = laneOf(job, target, asksForUsage(job, target))
    refuseLosses(job, target, lane)
    return { lane, problem }
  } catch (cause) {
    if (cause instanceof SluiceError) return { refusal: cause.failure, problem }
    throw cause
  }
}

async function explained(
  job: Job,
  target: Target,
  given: { trial: Trial; around: Surroundings; hasOthers: boolean },
) {
  const { lane, refusal, problem } = given.trial
  const { providerId, model, upstreamModel, protocol, reason = 'requested', credential } = target
  const isRaw = lane === undefined ? protocol === job.protocol.speaks : !lane.isTranslated
  const isUntranslatable = refusal?.kind === 'untranslatable'
  return {
    ...{ provider_id: providerId, model, upstream_model: upstreamModel, protocol },
    url: shownUrl(job, target, lane),
    lane: isRaw ? 'raw' : 'translated',
    reason,
    credential: sourceOf(credential),
    is_cooling: job.health.isCooling(target, job.effects.now()),
    deadlines: explainedDeadlines(job, target, given.hasOthers),
    problem: toldOf(problem ?? (isUntranslatable ? undefined : refusal)),
    untranslatable: toldOf(isUntranslatable ? refusal : undefined),
    dropped: lane?.losses ?? [],
    price: await priceOf(job, target, given.around),
  }
}

/**
 * What bounds the call, in the words and the unit of the settings, and `attempt`: from the call to the first content, or
 * to the end of a reply in one piece, of which only this and `total` say anything. Null is what does not count.
 */
function explainedDeadlines(job: Job, target: Target, hasOthers: boolean) {
  const { headersMs, firstContentMs, idleMs, totalMs, attemptMs } = attemptTimeouts(job, target, hasOthers)
  const ofStream = (ms: number) => (job.intake.stream ? ms / 1_000 : null)
  return {
    attempt: attemptMs === undefined ? null : attemptMs / 1_000,
    headers: ofStream(headersMs),
    first_content: ofStream(firstContentMs),
    idle: ofStream(idleMs),
    total: totalMs / 1_000,
  }
}

function toldOf(failure: Failure | undefined) {
  if (failure === undefined) return null
  const { code, message, param = null } = describe(failure)
  return { code, message, param }
}

/** Parts of a query that say what is asked for; any other may hold a key. */
const PLAIN_QUERY: ReadonlySet<string> = new Set(['alt', 'api-version'])

/** Where the call would go; null where none would be made, or none leaves the worker. */
function shownUrl({ env, intake }: Job, target: Target, lane: Lane | undefined): string | null {
  if (target.builtIn === true || target.problem !== undefined) return null
  const path = lane?.path ?? paths[target.protocol](target.upstreamModel, intake.stream)
  const written = operationUrl(target, path, intake.stream)
  if (!URL.canParse(written)) return null
  const url = new URL(written)
  url.username = ''
  url.password = ''
  for (const name of [...url.searchParams.keys()]) if (!PLAIN_QUERY.has(name)) url.searchParams.delete(name)
  const bytes = new TextEncoder().encode(url.href)
  return new TextDecoder().decode(redactedBytes(bytes, target, env, intake.parameters.extra_headers))
}

const NO_REPLY = new TextEncoder().encode('{}')
const NANO_USD_PER_USD = 1_000_000_000

/** What the call may cost at most: its input by its texts, and as much output as the request or the model allows. */
async function priceOf(job: Job, target: Target, around: Surroundings) {
  const { protocol, intake, effects } = job
  const inputTokens = protocol.estimateUsage(intake.bytes, NO_REPLY, false)?.inputTokens ?? 0
  const asked = askedOutput(job)
  const most = asked.limit ?? modelDetails(target.model, around).maxOutputTokens
  const counts = {
    input_tokens: inputTokens,
    output_tokens: most === undefined ? null : most * asked.choices,
  }
  if (most === undefined) return { usd: null, reason: 'no_output_limit', ...counts }
  const cost = await shownCost(job.env, {
    usage: { ...NO_USAGE, inputTokens, outputTokens: most * asked.choices },
    prices: target.prices,
    pricesAs: target.pricesAs,
    upstreamModel: target.upstreamModel,
    startedAtMs: effects.now(),
  })
  if (cost === undefined) return { usd: null, reason: 'prices_unavailable', ...counts }
  const { costNanoUsd, priceStatus } = cost
  const usd = costNanoUsd === null ? null : costNanoUsd / NANO_USD_PER_USD
  return { usd, reason: priceStatus, ...counts }
}

// A request that passes as bytes need not be one that this gateway understands; then the model's limit is what counts.
function askedOutput(job: Job): { limit?: number | undefined; choices: number } {
  try {
    const { maxOutputTokens: limit, choiceCount: choices = 1 } = job.decoded().settings
    return { limit, choices }
  } catch (cause) {
    if (cause instanceof SluiceError) return { choices: 1 }
    throw cause
  }
}
