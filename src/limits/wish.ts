import type { LeaseCall, LeaseGrant } from './lease-report'
import type { Amounts, Policy } from './policy'

/** What a request may take of each metric, as far as it is known before it runs. */
export interface Wish {
  requests: number
  concurrency: number
  /** Of the input. */
  tokens: number
  /** Of the input, in billionths of a US dollar. */
  cost: number
  /** What it may write; absent for a request that writes nothing. */
  output?: OutputWish
}

/** What a request may write; how much it is expected to is the ledger's to say, which has seen its like. */
export interface OutputWish {
  /** Calls that write alike: of one key at one model. */
  series: string
  /** The most that the request allows for each choice. */
  mostTokens?: number
  choices: number
  /** Billionths of a US dollar; not always a whole number. */
  nanoUsdPerToken: number
}

/** A request's wish to take something of every policy of a subject. */
export interface ReserveCall {
  /** The request's id; a second call with it changes nothing. */
  holdId: string
  policies: readonly Policy[]
  wish: Wish
  /** After so long a hold that nobody settled is charged as it was reserved. */
  lifetimeMs: number
  /** The caller would have a lease beside it. */
  lease?: LeaseCall
}

/** What a call of a series wrote for each choice, in tokens. */
export interface OutputSeen {
  series: string
  tokens: number
}

/** What a request really took. */
export interface Taken {
  requests: number
  /** Null when nobody can tell, which is charged as it was reserved. */
  tokens: number | null
  /** Billionths of a US dollar; null when nobody can tell, which is charged as it was reserved. */
  cost: number | null
  /** For the expectation of the next of its series. */
  output?: OutputSeen
}

/** A count that the truth about a request took beyond its policy's value; told once in a window for each value. */
export interface Crossing {
  /** Its name, which begins with the policy's `counterPrefix`. */
  counter: string
  used: number
}

/** What a request took that never ran. */
export const NOTHING_TAKEN: Taken = { requests: 0, tokens: 0, cost: 0 }

/** Where a policy stood when it was asked, and what the request takes or would take of it. */
export interface Standing {
  policyId: string
  /** What settled requests took. */
  used: number
  /** What running ones hold. */
  reserved: number
  amount: number
  /** 0 for a count that never starts anew, like all times in milliseconds since 1970. */
  windowStartMs: number
  /** Null when the count never starts anew. */
  resetsAtMs: number | null
  /** This request is the first in its window beyond the value. */
  crossed: boolean
  /** What is left of `used` whatever late truth may come: a refusal by that holds until the count starts anew. */
  certain: number
}

/** Whether all was reserved, with where every policy stood before, in the order of the call. */
export type ReserveReply =
  | { kind: 'granted'; standings: Standing[]; lease?: LeaseGrant }
  /** `policyId` is that of the refusing policy whose count starts anew last. */
  | { kind: 'refused'; policyId: string; standings: Standing[] }
  /** The request has been settled already: its reservation came late. */
  | { kind: 'closed' }

/** What a request takes of each metric when it writes as much as is expected. */
export function amountsOf(
  { requests, concurrency, tokens, cost, output }: Wish,
  outputTokens: number,
): Amounts {
  return {
    requests,
    concurrency,
    tokens: tokens + outputTokens,
    cost: Math.ceil(cost + outputTokens * (output?.nanoUsdPerToken ?? 0)),
  }
}
