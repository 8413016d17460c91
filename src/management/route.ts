import type { Caller } from '../keys/authenticate'
import type { LimitsEnv } from '../limits/reserve'
import type { Config } from '../platform/config'
import type { Effects } from '../platform/effects'
import type { Env } from '../platform/env'
import type { Snapshot } from '../platform/snapshot'

/** What the management API needs of the consumer worker, with the gateway's variables that bear on it. */
export type ManagementEnv = Omit<Env, 'CACHE'> & LimitsEnv

/** What a management route is given: one HTTP request that the gateway has let in, and what it may use. */
export interface ManagementContext {
  request: Request
  /** Decoded path parameters. */
  params: Readonly<Record<string, string>>
  env: ManagementEnv
  effects: Effects
  isolate: ManagementIsolate
  /** Keeps work alive after the response. */
  background(work: Promise<unknown>): void
}

/** What an isolate of the consumer keeps between management requests. */
export interface ManagementIsolate {
  config: Snapshot<Config>
}

/** A route of the management API; the gateway sees to it that none but such callers come here. */
export interface ManagementRoute {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  paths: readonly string[]
  auth: 'admin' | 'any_key'
  logging: 'none'
  handle(context: ManagementContext, caller: Caller): Promise<Response>
}
