import { post } from '../alerts/send'
import { webhookHeaders } from '../alerts/webhook-headers'
import type { LogStoreEnv } from '../logs/log-store'
import { readLog } from '../logs/query'
import { openWebhookSecret, readWebhook, webhookPayload } from '../logs/webhooks'
import { keepOne, report, retryLater } from './messages'

/** What telling a webhook needs. */
export interface WebhookEnv extends LogStoreEnv {
  CONFIG?: D1Database
  ENCRYPTION_KEY?: string
  ALLOW_PRIVATE_UPSTREAMS?: string
}

/** Tells a webhook of a log. A webhook or a log that is gone has nothing to be told. */
export async function deliverWebhook(
  message: Message,
  { webhookId, logId }: { webhookId: string; logId: string },
  env: WebhookEnv,
): Promise<void> {
  try {
    const [hook, row] = await Promise.all([
      env.CONFIG === undefined ? undefined : readWebhook(env.CONFIG, webhookId),
      readLog(env.LOGS, logId),
    ])
    if (hook === undefined || hook.isPaused || row === undefined) return message.ack()
    const body = JSON.stringify(webhookPayload(row))
    const secret = await openWebhookSecret(env.ENCRYPTION_KEY, hook)
    const headers = await webhookHeaders(secret, body, `${webhookId}:${logId}`)
    const sent = await post(env, hook.url, body, headers)
    if (sent.kind === 'sent') return message.ack()
    report('webhook_failed', { webhook: webhookId, reason: sent.reason, attempts: message.attempts })
    if (sent.isPermanent) return await keepOne(message, env, sent.reason)
    retryLater(message, sent.retryAfterSeconds)
  } catch (cause) {
    report('webhook_failed', { webhook: webhookId, reason: String(cause), attempts: message.attempts })
    retryLater(message)
  }
}
