import type { Caller } from '../keys/authenticate'
import { budgetColumnsOf } from '../limits/budget-columns'
import { type CustomerChange, changeCustomer } from '../limits/change-customer'
import { limitsOfCustomer, noBudgets } from '../limits/customer-limits'
import type { Config } from '../platform/config'
import type { CustomerBudgets, LimitRow } from '../platform/config-schema'
import { SluiceError } from '../platform/failure'
import { customerOf, type GatewayParameters } from './gateway-parameters'
import type { Exchange } from './stages'

/** The limits of the customer whom a request is for: as stored, with what the request itself says of them. */
export function customerLimits(
  config: Config,
  given: { parameters: GatewayParameters; nowMs: number },
): LimitRow[] {
  const { parameters, nowMs } = given
  const customer = customerOf(parameters)
  if (customer === undefined) return []
  const told = toldBudgets(parameters)
  const stored = config.customersById.get(customer)
  if (stored === undefined && told === undefined) return []
  return limitsOfCustomer({ ...(stored ?? noBudgets(customer)), ...told }, nowMs)
}

// The hosted gateway's SDK writes null for what was not given, so that in a request null says nothing.
function toldBudgets({ customer_params: given }: GatewayParameters): Partial<CustomerBudgets> | undefined {
  if (given === undefined || given === null) return undefined
  const told = Object.entries(budgetColumnsOf(given)).filter(([, value]) => value !== null)
  return told.length === 0 ? undefined : Object.fromEntries(told)
}

/** What this isolate has stored of customers lately, so that the same words are not written with every request. */
const noted = new Map<string, { text: string; atMs: number }>()
const MAX_NOTED = 10_000
/** By then every isolate has read what was written. */
const SETTLED_AFTER_MS = 15_000

/**
 * Keeps, behind the answer, what a request says of its customer.
 * @throws SluiceError `forbidden` for budgets in a request with a temporary key
 */
export function noteCustomer(
  { env, effects, background }: Pick<Exchange, 'env' | 'effects' | 'background'>,
  given: { caller: Caller; config: Config; parameters: GatewayParameters },
): void {
  const { caller, config, parameters } = given
  const { customer_params: words } = parameters
  const customer = customerOf(parameters)
  if (words === undefined || words === null || customer === undefined) return
  const told = toldBudgets(parameters)
  if (told !== undefined && caller.isTemporary === true)
    throw new SluiceError({
      kind: 'forbidden',
      param: 'customer_params',
      message: 'A temporary key may not set budgets. Leave them out of customer_params.',
    })
  const change = { ...wordsOf(words), ...told }
  const text = JSON.stringify(change)
  const nowMs = effects.now()
  const before = noted.get(customer)
  const isNoted =
    before?.text === text &&
    (nowMs - before.atMs < SETTLED_AFTER_MS || holds(config.customersById.get(customer), told))
  if (text === '{}' || isNoted) return
  if (noted.size >= MAX_NOTED) noted.clear()
  noted.set(customer, { text, atMs: nowMs })
  const stored = changeCustomer(env, customer, { change, nowMs })
  // With the database away the next request that says it tries again.
  background(stored.catch(() => noted.delete(customer)))
}

/** Whether all that a request says of budgets is what is stored. */
function holds(stored: CustomerBudgets | undefined, told: Partial<CustomerBudgets> | undefined): boolean {
  return Object.entries(told ?? {}).every(
    ([column, value]) => stored !== undefined && Reflect.get(stored, column) === value,
  )
}

function wordsOf(given: NonNullable<GatewayParameters['customer_params']>): CustomerChange {
  const { name, email, metadata, group_identifier: groupIdentifier } = given
  const words = { name, email, metadata, groupIdentifier }
  return Object.fromEntries(
    Object.entries(words).filter(([, value]) => value !== undefined && value !== null),
  )
}
