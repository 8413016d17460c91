import { eq, gt, isNotNull, isNull, or } from 'drizzle-orm'
import type { drizzle } from 'drizzle-orm/d1'
import {
  apiKeys,
  cacheGenerations,
  customers,
  limits,
  loadBalanceGroups,
  models,
  providerKeys,
  providers,
  settings,
} from './config-schema'
import { promptQueries } from './held-prompts'

/** For so long an expired temporary key is told that it has expired. */
const EXPIRED_KEY_MS = 24 * 60 * 60 * 1_000

const budgetColumns = {
  customerIdentifier: customers.customerIdentifier,
  periodBudget: customers.periodBudget,
  budgetDuration: customers.budgetDuration,
  periodStartMs: customers.periodStartMs,
  periodEndMs: customers.periodEndMs,
  totalBudget: customers.totalBudget,
  rateLimit: customers.rateLimit,
  markupPercentage: customers.markupPercentage,
}

/** One query for each section of the configuration; none runs before it is awaited. */
export function sections(database: ReturnType<typeof drizzle>) {
  return {
    // Temporary keys are many, and of one that is long over there is nothing to say but that it is not valid.
    apiKeys: database
      .select()
      .from(apiKeys)
      .where(
        or(
          eq(apiKeys.isTemporary, false),
          isNull(apiKeys.expiresAtMs),
          gt(apiKeys.expiresAtMs, Date.now() - EXPIRED_KEY_MS),
        ),
      ),
    providers: database.select().from(providers),
    models: database.select().from(models),
    limits: database.select().from(limits),
    providerKeys: database.select().from(providerKeys).orderBy(providerKeys.name),
    loadBalanceGroups: database.select().from(loadBalanceGroups),
    settings: database.select().from(settings),
    ...promptQueries(database),
    cacheGenerations: database.select().from(cacheGenerations),
    customers: database
      .select(budgetColumns)
      .from(customers)
      .where(
        or(
          isNotNull(customers.periodBudget),
          isNotNull(customers.totalBudget),
          isNotNull(customers.rateLimit),
        ),
      ),
  }
}
