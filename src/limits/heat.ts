import { add, noSums, type Sums } from './sums'

const SECOND_MS = 1_000

/** What the requests of one subject took in this isolate lately, second by second. */
export class Heat {
  private sinceMs = 0
  private now = noSums()
  private before = noSums()
  /** No lease is asked for until then: there was none to be had. */
  declinedUntilMs = 0

  /** Takes in what a request reserves. */
  note(taken: Readonly<Sums>, nowMs: number): void {
    this.turn(nowMs)
    add(this.now, taken)
  }

  /** What a second takes: the last full one, or this one where that is more already. */
  perSecond(nowMs: number): Sums {
    this.turn(nowMs)
    const { now, before } = this
    return {
      requests: Math.max(now.requests, before.requests),
      tokens: Math.max(now.tokens, before.tokens),
      cost: Math.max(now.cost, before.cost),
    }
  }

  private turn(nowMs: number): void {
    const passedMs = nowMs - this.sinceMs
    if (passedMs < SECOND_MS) return
    this.before = passedMs < 2 * SECOND_MS ? this.now : noSums()
    this.now = noSums()
    this.sinceMs = passedMs < 2 * SECOND_MS ? this.sinceMs + SECOND_MS : nowMs
  }
}
