import { appliedLimits, EACH, type LimitIndex } from '../limits/applied-limits'
import { refusalOf } from '../limits/refusal'
import type { CountedLimit, Hold, Outcome } from '../limits/reserve'
import type { OutputWish } from '../limits/wish'
import { type Failure, SluiceError } from '../platform/failure'
import type { Target } from '../providers/target'
import type { Isolate } from './isolate'
import { uncheckedPolicy, type WishFacts, wishOf } from './limit-wish'
import { askLedgers, cannotBeChecked, indexOf, type Reservation } from './reserve-limits'
import type { Exchange } from './stages'
import { pricedOnlyPolicy, skippedAttempt, unknownPrice } from './unpriced'

/** What a request holds of the limits on one model that it came to later. */
export interface ModelHold {
  model: string
  hold: Hold
  output: OutputWish | undefined
}

/** Where the limits on a model stood that kept a request from it; none where they were not asked. */
interface Refused {
  failure: Failure
  counted: readonly CountedLimit[]
}

/**
 * Sees to it that the limits on models hold for whatever a request comes to behind its first target. Nothing at all where
 * none of its models has limits, or all are one.
 */
export function watchModels(exchange: Exchange, isolate: Isolate, given: Reservation): void {
  const { targets, known, config, model } = given
  const index = indexOf(exchange.env, config)
  const limited = index.get('model')
  if (limited === undefined || targets.every((target) => target.model === model)) return
  if (!limited.has(EACH) && !targets.some((target) => limited.has(target.model))) return
  known.models = new ModelLimits(exchange, isolate, { ...given, index })
}

/**
 * The model whose limits a request must be let in by: the first of those that it asks for, also while that cools down
 * behind a fallback. A fallback is passed over when its limits let nobody in, and is no reason to refuse.
 */
export function admittingModel(targets: readonly Target[]): string | undefined {
  const [first] = targets
  if (first === undefined || !isFallback(first)) return first?.model
  return (targets.find((target) => !isFallback(target)) ?? first).model
}

function isFallback({ reason }: Target): boolean {
  return reason?.startsWith('fallback:') === true
}

/** The limits on the models of one request: reserved once for each model, when the request first comes to it. */
export class ModelLimits {
  readonly holds: ModelHold[] = []
  private readonly asked = new Map<string, Failure | 'open'>()
  /** Targets that were passed over since the last call. */
  private skipped: Target[] = []
  /** Of the first that was passed over. */
  private refused: Refused | undefined

  constructor(
    private readonly exchange: Exchange,
    private readonly isolate: Isolate,
    private readonly given: Reservation & { index: LimitIndex },
  ) {
    // The request was let in by these.
    if (given.model !== undefined) this.asked.set(given.model, 'open')
  }

  /** The model whose limits were asked when the request was let in. */
  get first(): string | undefined {
    return this.given.model
  }

  /** Whether a target may be called; one that may not is told among the attempts. */
  async letsIn(target: Target): Promise<boolean> {
    // Of what cannot be called nothing is taken.
    if (target.problem !== undefined) return true
    const answer = this.asked.get(target.model) ?? (await this.ask(target))
    this.asked.set(target.model, answer)
    if (answer === 'open') return true
    this.skipped.push(target)
    return false
  }

  /** Tells which targets were passed over; the last attempt stays one that was made where no other target follows. */
  tellSkipped({ isLast }: { isLast: boolean }): void {
    const { attempts } = this.given.known
    const nowMs = this.exchange.effects.now()
    const told = this.skipped.flatMap((target) => {
      const answer = this.asked.get(target.model)
      return answer === undefined || answer === 'open' ? [] : [skippedAttempt(target, answer, nowMs)]
    })
    this.skipped = []
    attempts.splice(isLast ? Math.max(0, attempts.length - 1) : attempts.length, 0, ...told)
  }

  /** What a client is told when nobody was called: the limit that kept the request from the first it might have come to. */
  refusal(): SluiceError | undefined {
    const { refused, given } = this
    if (refused === undefined) return undefined
    const { known } = given
    if (known.limits !== undefined) {
      const { headed = known.limits.counted } = known.limits
      known.limits = { ...known.limits, isAllowed: false, headed: [...headed, ...refused.counted] }
    }
    return new SluiceError(refused.failure)
  }

  private async ask(target: Target): Promise<Failure | 'open'> {
    const { exchange, isolate, given } = this
    const { model } = target
    const { known, longestMs } = given
    const applied = appliedLimits(given.index, { model })
    if (applied.length === 0) return 'open'
    const facts = await wishOf(exchange, applied, { ...given, model, targets: [target] })
    const unchecked = uncheckedPolicy(applied, facts)
    if (unchecked !== undefined) return this.refuse(cannotBeChecked(unchecked).failure, [])
    const by = facts.unpriced.length === 0 ? undefined : pricedOnlyPolicy(applied, given)
    if (by !== undefined) return this.refuse(unknownPrice(by, model), [])
    const outcome = await askLedgers(exchange, isolate, { known, longestMs, applied, facts })
    this.count(outcome.counted, { isOpen: outcome.kind === 'granted', model, facts })
    if (outcome.kind !== 'granted')
      return this.refuse(failureOf(outcome, exchange.effects.now()), outcome.counted)
    const { output } = facts.wish
    this.holds.push({ model, hold: outcome.hold, output })
    if (output !== undefined) known.output ??= output
    return 'open'
  }

  private refuse(failure: Failure, counted: readonly CountedLimit[]): Failure {
    this.refused ??= { failure, counted }
    return failure
  }

  /** Of each limit that counts each model by itself headers tell the last one that was asked. */
  private count(
    counted: readonly CountedLimit[],
    { isOpen, model, facts }: { isOpen: boolean; model: string; facts: WishFacts },
  ): void {
    const { known } = this.given
    const before = known.limits ?? { isAllowed: true, counted: [], unpriced: NO_MODELS }
    const { headed = before.counted, unpriced } = before
    const isAnew = (limit: CountedLimit) => counted.some(({ policy }) => policy.id === limit.policy.id)
    const isUnpriced = facts.unpriced.length > 0 && unpriced !== 'all'
    known.limits = {
      ...before,
      counted: [...before.counted, ...counted],
      headed: isOpen ? [...headed.filter((limit) => !isAnew(limit)), ...counted] : headed,
      unpriced: isUnpriced ? new Set([...unpriced, model]) : unpriced,
    }
  }
}

const NO_MODELS: ReadonlySet<string> = new Set()

function failureOf(outcome: Exclude<Outcome, { kind: 'granted' }>, nowMs: number): Failure {
  return outcome.kind === 'refused' ? refusalOf(outcome.by, nowMs) : cannotBeChecked(outcome.policy).failure
}
