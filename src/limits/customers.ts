import { eq, inArray } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import { type CustomerRow, customers } from '../platform/config-schema'
import type { Env } from '../platform/env'

/** A statement takes 100 parameters (D1, "Limits"). */
const MAX_IDENTIFIERS = 90

/** What was said of a customer; undefined when nothing was. */
export async function readCustomer(
  env: Pick<Env, 'CONFIG'>,
  customerIdentifier: string,
): Promise<CustomerRow | undefined> {
  const [row] = await drizzle(env.CONFIG)
    .select()
    .from(customers)
    .where(eq(customers.customerIdentifier, customerIdentifier))
  return row
}

/** What was said of some customers, by their identifiers. */
export async function readCustomers(
  env: Pick<Env, 'CONFIG'>,
  identifiers: readonly string[],
): Promise<Map<string, CustomerRow>> {
  const found = new Map<string, CustomerRow>()
  for (let at = 0; at < identifiers.length; at += MAX_IDENTIFIERS) {
    const some = identifiers.slice(at, at + MAX_IDENTIFIERS)
    const rows = await drizzle(env.CONFIG)
      .select()
      .from(customers)
      .where(inArray(customers.customerIdentifier, some))
    for (const row of rows) found.set(row.customerIdentifier, row)
  }
  return found
}

/** Forgets what was said of a customer, and with it every budget. */
export async function removeCustomer(env: Pick<Env, 'CONFIG'>, customerIdentifier: string): Promise<void> {
  await drizzle(env.CONFIG).delete(customers).where(eq(customers.customerIdentifier, customerIdentifier))
}
