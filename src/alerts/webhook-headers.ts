import { hmacSha256Hex } from '../platform/hmac'

/** The headers that a webhook's receiver checks: the body's signature under both names that the hosted gateway has. */
export async function webhookHeaders(
  secret: string,
  body: string,
  eventId: string,
): Promise<Record<string, string>> {
  const signature = await hmacSha256Hex(secret, body)
  return {
    'x-respan-signature': signature,
    'x-keywordsai-signature': signature,
    'idempotency-key': eventId,
  }
}
