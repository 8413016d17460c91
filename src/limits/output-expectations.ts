import type { LedgerStore } from './ledger-store'
import { expectedOutput, newHistory, type OutputHistory, observe, typicalOutput } from './output-history'
import type { OutputSeen, OutputWish } from './wish'

/** A subject whose calls are of more kinds than this forgets the ones that it has not seen for longest. */
const MOST_SERIES = 300
/** A history that is lost with the object's memory loses few observations. */
const SAVED_EVERY = 16

/** What each series of calls is expected to write, by what it has written. */
export class OutputExpectations {
  private readonly histories: Map<string, OutputHistory>

  constructor(private readonly store: LedgerStore) {
    this.histories = store.histories()
  }

  /** Tokens. */
  expected({ series, mostTokens, choices }: OutputWish): number {
    return choices * expectedOutput(this.typical(series), mostTokens)
  }

  /** What nineteen of twenty calls of a series stay below, in tokens; null where too few were seen. */
  typical(series: string): number | null {
    return typicalOutput(this.histories.get(series))
  }

  /** Takes in what a call of a series wrote. */
  observe({ series, tokens }: OutputSeen, nowMs: number): void {
    const history = this.histories.get(series) ?? newHistory()
    observe(history, tokens)
    this.histories.delete(series)
    this.histories.set(series, history)
    const { observations } = history
    if (observations < SAVED_EVERY || observations % SAVED_EVERY === 0)
      this.store.saveHistory(series, history, nowMs)
    this.forgetOldest()
  }

  private forgetOldest(): void {
    if (this.histories.size <= MOST_SERIES) return
    const [oldest] = this.histories.keys()
    if (oldest === undefined) return
    this.histories.delete(oldest)
    this.store.forgetHistory(oldest)
  }
}
