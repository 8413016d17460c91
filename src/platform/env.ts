/** What the gateway worker is given by wrangler.toml, .dev.vars and `wrangler secret put`. */
export interface Env {
  /** Providers, models, API keys and limits. */
  CONFIG: D1Database
  /** Request logs, written by the consumer worker and read here. */
  LOGS: D1Database
  /** The last good configuration, for a start while D1 is away. */
  CACHE: KVNamespace
  /** Request and response bodies. */
  BODIES: R2Bucket
  /** Log records on their way to the consumer worker. */
  LOG_QUEUE: Queue<unknown>
  /** Cloudflare's mail service, where it is bound: for the test of an alert channel. */
  EMAIL?: SendEmail
  /** The bootstrap admin key. */
  ADMIN_KEY?: string
  /** An inference key for local work, made by `npm start`. */
  DEV_API_KEY?: string
  /** 32 random bytes in base64; provider keys in D1 are encrypted under it. */
  ENCRYPTION_KEY?: string
  /** 'true' lets upstreams be private or loopback addresses, also over plain http. */
  ALLOW_PRIVATE_UPSTREAMS?: string
  MAX_BODY_BYTES?: string
  HEADERS_TIMEOUT_MS?: string
  FIRST_CONTENT_TIMEOUT_MS?: string
  IDLE_TIMEOUT_MS?: string
  TOTAL_TIMEOUT_MS?: string
  KEEP_ALIVE_MS?: string
  /** With `tracecontext` in it every upstream call is sent a `traceparent`, not only those of clients that send one. */
  OTEL_PROPAGATORS?: string
  LIMITS_TIMEOUT_MS?: string
  LIMITS_GRACE_MS?: string
}

/** A worker variable or secret by a name that is only known at run time, such as a provider's. */
export function variable(env: object, name: string): string | undefined {
  const value: unknown = Reflect.get(env, name)
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** A numeric variable, or its default when it is absent or not a positive number. */
export function numberVariable(value: string | undefined, fallback: number): number {
  const number = Number(value)
  return value !== undefined && Number.isFinite(number) && number > 0 ? number : fallback
}
