import type { Config } from '../platform/config'
import { numberVariable } from '../platform/env'
import type { Timeouts } from '../platform/lifeline'
import type { Target } from '../providers/target'
import type { Intake } from './intake'
import type { Exchange } from './stages'

/** How long each attempt may take until its first content, as the request asks. */
export function attemptMsOf({ parameters }: Pick<Intake, 'parameters'>): number | undefined {
  return parameters.timeout == null ? undefined : parameters.timeout * 1_000
}

/** The deadlines that are set, or else the worker's; a provider that may take longer has the whole take longer. */
export function timeoutsOf(
  { env }: Pick<Exchange, 'env'>,
  { settings }: Pick<Config, 'settings'>,
  targets: readonly Target[] = [],
): Timeouts {
  const { headers, first_content, idle, total } = settings.timeouts ?? {}
  const totalMs = msOf(total) ?? numberVariable(env.TOTAL_TIMEOUT_MS, 600_000)
  return {
    headersMs: msOf(headers) ?? numberVariable(env.HEADERS_TIMEOUT_MS, 60_000),
    firstContentMs: msOf(first_content) ?? numberVariable(env.FIRST_CONTENT_TIMEOUT_MS, 180_000),
    idleMs: msOf(idle) ?? numberVariable(env.IDLE_TIMEOUT_MS, 120_000),
    totalMs: targets.reduce((most, { timeoutMs = 0 }) => Math.max(most, timeoutMs), totalMs),
  }
}

function msOf(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1_000
}
