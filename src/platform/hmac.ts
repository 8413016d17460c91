import { hexOf } from './hex'

const encoder = new TextEncoder()

/** HMAC-SHA256 of a text under a secret, in lower-case hexadecimal. */
export async function hmacSha256Hex(secret: string, text: string): Promise<string> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  const key = await crypto.subtle.importKey('raw', encoder.encode(secret), algorithm, false, ['sign'])
  const signature = new Uint8Array(await crypto.subtle.sign('HMAC', key, encoder.encode(text)))
  return hexOf(signature)
}
