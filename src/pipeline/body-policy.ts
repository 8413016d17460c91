import type { Caller } from '../keys/authenticate'
import type { Settings } from '../platform/settings'
import type { Ending } from './stages'

/** Which requests' bodies are logged. */
export interface BodyPolicy {
  bodies: 'all' | 'none' | 'errors'
  /** Of the requests that did not fail, the share whose bodies are kept: 0 to 1. */
  sampleRate: number
}

const SAMPLE_DIGITS = 6
const SAMPLES = 16 ** SAMPLE_DIGITS

/** The policy of a key, else of the settings; undefined when neither says anything, which keeps all bodies. */
export function bodyPolicyOf(
  caller: Pick<Caller, 'logBodies'> | undefined,
  settings: Settings | undefined,
): BodyPolicy | undefined {
  const logBodies = caller?.logBodies
  const logging = settings?.logging
  if (logBodies === undefined && logging === undefined) return undefined
  return { bodies: logBodies ?? logging?.bodies ?? 'all', sampleRate: logging?.sample_rate ?? 1 }
}

/** Whether a request's bodies are kept. A sample is taken by the log's id, whose end is random. */
export function keepsBodies(
  policy: BodyPolicy | undefined,
  { kind }: Pick<Ending, 'kind'>,
  logId: string,
): boolean {
  if (policy === undefined) return true
  if (policy.bodies === 'none') return false
  if (kind === 'failed') return true
  if (policy.bodies === 'errors') return false
  return Number.parseInt(logId.slice(-SAMPLE_DIGITS), 16) < policy.sampleRate * SAMPLES
}
