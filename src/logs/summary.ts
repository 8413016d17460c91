import type { Clause } from './filters/clause'

const NANO_PER_USD = 1_000_000_000

/** What some logs come to. */
export async function summaryOf(database: D1Database, { sql, values }: Clause) {
  const row = await database
    .prepare(`select count(*) as requests, sum(ending = 'failed') as errors,
      coalesce(sum(cost_nano_usd), 0) as cost,
      sum(price_status = 'unknown_price') as unknown_costs,
      coalesce(sum(coalesce(input_tokens, 0) + coalesce(cache_read_tokens, 0)
        + coalesce(cache_write_5m_tokens, 0) + coalesce(cache_write_1h_tokens, 0)), 0) as prompt,
      coalesce(sum(output_tokens), 0) as completion, avg(latency_ms) as latency, avg(time_to_first_token_ms) as ttft
      from request_logs where ${sql}`)
    .bind(...values)
    .first<Record<string, number | null>>()
  const sum = (name: string) => row?.[name] ?? 0
  const seconds = (name: string) => (row?.[name] === null ? null : sum(name) / 1_000)
  return {
    number_of_requests: sum('requests'),
    errors: sum('errors'),
    total_cost: sum('cost') / NANO_PER_USD,
    unknown_costs: sum('unknown_costs'),
    total_prompt_tokens: sum('prompt'),
    total_completion_tokens: sum('completion'),
    total_tokens: sum('prompt') + sum('completion'),
    average_latency: seconds('latency'),
    average_ttft: seconds('ttft'),
    // There are no evaluators here.
    scores: {},
  }
}
