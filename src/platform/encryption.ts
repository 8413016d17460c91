import { fromBase64, toBase64 } from './base64'
import { SluiceError } from './failure'
import { hexOf } from './hex'

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const keys = new Map<string, CryptoKey>()
const IV_BYTES = 12

/**
 * AES-256-GCM under ENCRYPTION_KEY: `v1.<iv>.<ciphertext>` in base64. `context` is bound in as additional data, so
 * that sealed text copied to another row does not open there.
 */
export async function seal(secret: string | undefined, context: string, plaintext: string): Promise<string> {
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES))
  const algorithm = { name: 'AES-GCM', iv, additionalData: encoder.encode(context) }
  const sealed = await crypto.subtle.encrypt(algorithm, await keyOf(secret), encoder.encode(plaintext))
  return `v1.${toBase64(iv)}.${toBase64(new Uint8Array(sealed))}`
}

/** The plaintext of `seal` for the same context. */
export async function unseal(secret: string | undefined, context: string, sealed: string): Promise<string> {
  const [version, iv, ciphertext] = sealed.split('.')
  if (version !== 'v1' || iv === undefined || ciphertext === undefined) throw unreadable()
  try {
    const algorithm = { name: 'AES-GCM', iv: fromBase64(iv), additionalData: encoder.encode(context) }
    return decoder.decode(await crypto.subtle.decrypt(algorithm, await keyOf(secret), fromBase64(ciphertext)))
  } catch (cause) {
    if (cause instanceof SluiceError) throw cause
    throw unreadable()
  }
}

/** Lower-case hexadecimal SHA-256. */
export async function sha256Hex(text: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', encoder.encode(text)))
  return hexOf(digest)
}

async function keyOf(secret: string | undefined): Promise<CryptoKey> {
  if (secret === undefined || secret === '') {
    throw new SluiceError({
      kind: 'unavailable',
      message:
        'ENCRYPTION_KEY is not set, so provider keys cannot be stored or read. Set it: wrangler secret put ENCRYPTION_KEY',
      retryAfterSeconds: 60,
    })
  }
  const known = keys.get(secret)
  if (known !== undefined) return known
  const key = await importKey(secret)
  keys.set(secret, key)
  return key
}

// Hashing makes 256 bits of a secret of any length or spelling; the secret itself is random.
async function importKey(secret: string): Promise<CryptoKey> {
  const bits = await crypto.subtle.digest('SHA-256', encoder.encode(secret))
  return crypto.subtle.importKey('raw', bits, 'AES-GCM', false, ['encrypt', 'decrypt'])
}

function unreadable(): SluiceError {
  return new SluiceError({
    kind: 'unavailable',
    message:
      'A stored provider key cannot be decrypted: ENCRYPTION_KEY is not the one that it was stored under. Store the key again.',
    retryAfterSeconds: 60,
  })
}
