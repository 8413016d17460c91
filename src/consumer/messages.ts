import { keepDeadLetter } from '../logs/dead-letters'
import type { LogStoreEnv } from '../logs/log-store'

const FIRST_RETRY_SECONDS = 1
const LONGEST_RETRY_SECONDS = 300

/** Lets a message come again, later each time. */
export function retryLater(message: Message, atLeastSeconds = 0): void {
  const delaySeconds = Math.min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2 ** (message.attempts - 1))
  message.retry({ delaySeconds: Math.max(delaySeconds, Math.min(LONGEST_RETRY_SECONDS, atLeastSeconds)) })
}

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

/** Tells the worker's own log of something that went wrong. */
export function report(event: string, facts: Record<string, unknown>): void {
  // biome-ignore lint/suspicious/noConsole: the worker's own log is where an operator looks for this
  console.error(JSON.stringify({ event, ...facts }))
}
