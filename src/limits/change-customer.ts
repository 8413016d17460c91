import type { CustomerRow } from '../platform/config-schema'
import type { Env } from '../platform/env'

/** What is to be known of a customer; what is absent stays, and null takes it away. */
export type CustomerChange = Partial<Omit<CustomerRow, 'customerIdentifier' | 'createdAtMs' | 'updatedAtMs'>>

/** Keeps what is said of a customer, who is made when nobody said anything before. */
export async function changeCustomer(
  { CONFIG }: Pick<Env, 'CONFIG'>,
  customerIdentifier: string,
  given: { change: CustomerChange; nowMs: number },
): Promise<void> {
  const { change, nowMs } = given
  const set = Object.entries({ ...change, updatedAtMs: nowMs }).filter(([, value]) => value !== undefined)
  const names = set.map(([name]) => columnOf(name))
  const values = set.map(([, value]) =>
    typeof value === 'object' && value !== null ? JSON.stringify(value) : value,
  )
  await CONFIG.prepare(
    `insert into customers (customer_identifier, created_at_ms, ${names.join(', ')})
      values (?, ?${', ?'.repeat(names.length)})
      on conflict (customer_identifier) do update set ${names.map((name) => `${name} = excluded.${name}`).join(', ')}`,
  )
    .bind(customerIdentifier, nowMs, ...values)
    .run()
}

/** A column by its name in a row: `updatedAtMs` is `updated_at_ms`. */
function columnOf(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
