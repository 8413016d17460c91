const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const PREFIX_LENGTH = 8
const SECRET_LENGTH = 32

/** A new API key: a prefix of 8 that may be shown, a dot, and a secret of 32 (about 190 random bits). */
export function newKeyText(): { key: string; prefix: string } {
  const prefix = randomText(PREFIX_LENGTH)
  return { key: `${prefix}.${randomText(SECRET_LENGTH)}`, prefix }
}

// Bytes beyond the last whole multiple of the alphabet are thrown away, so that every character is equally likely.
function randomText(length: number): string {
  const limit = 256 - (256 % ALPHABET.length)
  let text = ''
  while (text.length < length) {
    for (const byte of crypto.getRandomValues(new Uint8Array(length))) {
      if (byte < limit && text.length < length) text += ALPHABET.charAt(byte % ALPHABET.length)
    }
  }
  return text
}
