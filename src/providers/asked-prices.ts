import { untilDone, within } from '../platform/waiting'
import type { Usage } from '../protocols/canonical'
import {
  type Cost,
  costWithoutList,
  customCost,
  type ListedCall,
  type ListedModel,
  listedCost,
  type PricedCall,
} from './cost'
import { type RateTable, ratesIn, ratesOf, type TokenRates } from './rates'
import type { Target } from './target'

/** The consumer worker as far as it tells prices: it has the list, which is too large for the gateway. */
export interface PriceService {
  /** The rates of a model now. */
  listRates(model: ListedModel): Promise<RateTable>
  /** What a call cost, in billionths of a US dollar; null when the list has no price for it. */
  listCost(call: ListedCall): Promise<number | null>
}

/** The binding that prices need. */
export interface PricesEnv {
  MANAGEMENT: PriceService
}

/** What is known of a call's price before it is made; `away` when the list cannot be asked. */
export type Rated = { kind: 'told'; rates: TokenRates | undefined } | { kind: 'away' }

/** A call that is to be rated. */
export interface RateQuestion {
  target: Pick<Target, 'prices' | 'pricesAs' | 'upstreamModel'>
  inputTokens: number
  writes: boolean
  nowMs: number
  /** How long the list may take to be asked. */
  timeoutMs: number
  background(work: Promise<unknown>): void
}

/** Prices change by the day, or by the hour: after this they are asked for again, behind the answer. */
const FRESH_MS = 60_000
/** What is older is not used. */
const KEPT_MS = 60 * 60_000
const MOST_KEPT = 1_000
const kept = new Map<string, { table: RateTable; readAtMs: number; askedAtMs: number }>()

/**
 * What a call's tokens cost by the list or the custom model's own prices; `rates` are undefined where that cannot be
 * told. Not even a promise for a model that this isolate has asked for.
 */
export function tokenRates(env: PricesEnv, question: RateQuestion): Rated | Promise<Rated> {
  const { prices, pricesAs, upstreamModel } = question.target
  if (prices !== undefined) {
    const price = (usage: Usage) => customCost(usage, prices).costNanoUsd
    return { kind: 'told', rates: ratesOf(price, question) }
  }
  if (pricesAs === undefined) return { kind: 'told', rates: undefined }
  return listed(env, { pricesAs, upstreamModel }, question)
}

function listed(env: PricesEnv, model: ListedModel, question: RateQuestion): Rated | Promise<Rated> {
  const { nowMs, timeoutMs, background } = question
  const known = kept.get(keyOf(model))
  if (known === undefined || nowMs - known.readAtMs > KEPT_MS) {
    const asked = ask(env, model, nowMs)
    // Whoever waits no longer leaves it to those who come after.
    background(asked)
    return within(timeoutMs, asked).then((table) =>
      table === undefined ? { kind: 'away' } : { kind: 'told', rates: ratesIn(table, question) },
    )
  }
  if (nowMs - known.askedAtMs > FRESH_MS) {
    known.askedAtMs = nowMs
    background(ask(env, model, nowMs))
  }
  return { kind: 'told', rates: ratesIn(known.table, question) }
}

async function ask(env: PricesEnv, model: ListedModel, nowMs: number): Promise<RateTable | undefined> {
  const table = await env.MANAGEMENT.listRates(model).catch(() => undefined)
  if (table === undefined) return undefined
  if (kept.size >= MOST_KEPT) kept.clear()
  kept.set(keyOf(model), { table, readAtMs: nowMs, askedAtMs: nowMs })
  return table
}

function keyOf({ pricesAs, upstreamModel }: ListedModel): string {
  return `${pricesAs} ${upstreamModel}`
}

/** The cost of a call that is over, exactly as the log will say; null also when the list cannot be asked for long. */
export async function settledCost(env: PricesEnv, call: PricedCall): Promise<number | null> {
  const told = costWithoutList(call)
  if ('priceStatus' in told) return told.costNanoUsd
  return (await untilDone(() => env.MANAGEMENT.listCost(told))) ?? null
}

/** What showing a price may keep its reader waiting. */
const SHOWN_WITHIN_MS = 2_000

/** The cost of a call for somebody who waits to read it; undefined when the list cannot be asked. */
export async function shownCost(env: PricesEnv, call: PricedCall): Promise<Cost | undefined> {
  const told = costWithoutList(call)
  if ('priceStatus' in told) return told
  const asked = env.MANAGEMENT.listCost(told).then(listedCost, () => undefined)
  return within(SHOWN_WITHIN_MS, asked)
}
