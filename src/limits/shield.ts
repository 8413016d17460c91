import { SluiceError } from '../platform/failure'

/** The binding's windows are of 10 or 60 seconds, and it does not tell when one ends. */
const RETRY_AFTER_SECONDS = 10

/**
 * Stops a flood of requests with one key before anything is read for them. It counts in one place on earth and about
 * right, so it is no budget; and when it cannot be asked, everybody passes.
 * @throws SluiceError `limit_exceeded`
 */
export async function passShield(shield: RateLimit, apiKeyId: string): Promise<void> {
  const { success } = await shield.limit({ key: apiKeyId }).catch(() => ({ success: true }))
  if (success) return
  throw new SluiceError({
    kind: 'limit_exceeded',
    message: 'Too many requests with this API key in a short time. Wait a moment, and send them more slowly.',
    retryAfterSeconds: RETRY_AFTER_SECONDS,
    status: 429,
    mayPass: true,
  })
}
