import { keepDeadLetter } from '../logs/dead-letters'
import type { LogStoreEnv } from '../logs/log-store'

const FIRST_RETRY_SECONDS = 1
const LONGEST_RETRY_SECONDS = 300

/** Keeps a message for good that nobody else will take; should that fail, it comes again. */
export async function keepOne(message: Message, env: LogStoreEnv, reason: string): Promise<void> {
  try {
    await keepDeadLetter(env, { messageId: message.id, body: message.body, reason, receivedAtMs: Date.now() })
    message.ack()
  } catch (cause) {
    report('dead_letter_failed', { messageId: message.id, cause: String(cause) })
    retryLater(message)
  }
}

/** Asks for a message again, later each time, and not before whoever refused it wants it. */
export function retryLater(message: Message, leastSeconds = 0): void {
  const usual = FIRST_RETRY_SECONDS * 2 ** (message.attempts - 1)
  const delaySeconds = Math.min(LONGEST_RETRY_SECONDS, Math.max(usual, Math.ceil(leastSeconds)))
  message.retry({ delaySeconds })
}

/** Writes a line into the worker's own log, which is where an operator looks. */
export function report(event: string, facts: Record<string, unknown>): void {
  // biome-ignore lint/suspicious/noConsole: the worker's own log is where an operator looks for this
  console.error(JSON.stringify({ event, ...facts }))
}
