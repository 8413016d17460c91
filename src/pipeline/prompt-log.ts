import type { LogPrompt } from '../logs/log-record'
import type { Intake } from './intake'
import type { UsedPrompt } from './prompted'

/** A queue message has 128 KB for all of a record; the messages with everything in them are in the body. */
const MAX_TEXT = 2_000
const MAX_VARIABLES = 16_000

/** A prompt as the log keeps it: long values are cut, and a request that is not to be logged leaves no values. */
export function loggedPrompt(
  prompt: UsedPrompt | undefined,
  intake: Pick<Intake, 'parameters'> | undefined,
): LogPrompt | undefined {
  if (prompt === undefined) return undefined
  const { variables, echoes: _, messagesJson: __, ...named } = prompt
  if (variables === undefined || intake?.parameters.disable_log === true) return named
  const kept = Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, cut(value)]))
  if (JSON.stringify(kept).length <= MAX_VARIABLES) return { ...named, variables: kept }
  return { ...named, variables: Object.fromEntries(Object.keys(kept).map((name) => [name, '…'])) }
}

function cut(value: unknown): unknown {
  if (typeof value === 'string') return value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : value
  if (Array.isArray(value)) return value.map(cut)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, below]) => [name, cut(below)]))
}
