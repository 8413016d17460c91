import { describe, expect, test } from 'vitest'
import { seal, sha256Hex, unseal } from '../../src/platform/encryption'
import { SluiceError } from '../../src/platform/failure'

const KEY = 'a-key-of-this-deployment'
const CONTEXT = 'provider:acme@api.acme.example'

async function failureOf(work: Promise<unknown>) {
  const cause: unknown = await work.catch((error: unknown) => error)
  if (cause instanceof SluiceError) return cause.failure
  throw cause instanceof Error ? cause : new Error(`it succeeded: ${String(cause)}`)
}

/** The sealed text with one of its parts changed. */
function changed(sealed: string, part: number, change: (text: string) => string): string {
  return sealed
    .split('.')
    .map((text, index) => (index === part ? change(text) : text))
    .join('.')
}

/** Another character of the base64 alphabet at a place. */
function flipped(text: string, at: number): string {
  return `${text.slice(0, at)}${text.charAt(at) === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`
}

describe('sealed text', () => {
  test.each([
    ['a key', 'sk-1234567890'],
    ['nothing', ''],
    ['text in other letters', 'schlüssel 鍵 🔑'],
    ['JSON', '{"x-api-key":"abc\\"def"}'],
    ['a long text', 'x'.repeat(100_000)],
    ['as much as the management API takes', 'x'.repeat(1_000_000)],
  ])('opens again under the same key and context: %s', async (_, text) => {
    const sealed = await seal(KEY, CONTEXT, text)
    expect(await unseal(KEY, CONTEXT, sealed)).toBe(text)
  })

  test('names its version, shows nothing of the text, and is never the same twice', async () => {
    const [one, two] = [await seal(KEY, CONTEXT, 'secret'), await seal(KEY, CONTEXT, 'secret')]
    expect(one).toMatch(/^v1\.[A-Za-z0-9+/]{16}\.[A-Za-z0-9+/=]+$/)
    expect(one).not.toContain(btoa('secret'))
    expect(one).not.toBe(two)
  })

  test.each([
    ['another context', (sealed: string) => unseal(KEY, 'provider:other@api.acme.example', sealed)],
    ['another host in the context', (sealed: string) => unseal(KEY, 'provider:acme@evil.example', sealed)],
    ['an empty context', (sealed: string) => unseal(KEY, '', sealed)],
    ['another key', (sealed: string) => unseal('another-key', CONTEXT, sealed)],
    [
      'a ciphertext that was changed',
      (sealed: string) =>
        unseal(
          KEY,
          CONTEXT,
          changed(sealed, 2, (text) => flipped(text, 3)),
        ),
    ],
    [
      'a tag that was changed',
      (sealed: string) =>
        unseal(
          KEY,
          CONTEXT,
          changed(sealed, 2, (text) => flipped(text, 20)),
        ),
    ],
    [
      'a ciphertext that was cut',
      (sealed: string) =>
        unseal(
          KEY,
          CONTEXT,
          changed(sealed, 2, (text) => text.slice(0, 8)),
        ),
    ],
    [
      'an empty ciphertext',
      (sealed: string) =>
        unseal(
          KEY,
          CONTEXT,
          changed(sealed, 2, () => ''),
        ),
    ],
    [
      'a ciphertext that is not base64',
      (sealed: string) =>
        unseal(
          KEY,
          CONTEXT,
          changed(sealed, 2, () => '%%%'),
        ),
    ],
    [
      'a start value that was changed',
      (sealed: string) =>
        unseal(
          KEY,
          CONTEXT,
          changed(sealed, 1, (text) => flipped(text, 3)),
        ),
    ],
    [
      'a start value that was cut',
      (sealed: string) =>
        unseal(
          KEY,
          CONTEXT,
          changed(sealed, 1, (text) => text.slice(0, 4)),
        ),
    ],
    [
      'a start value that is not base64',
      (sealed: string) =>
        unseal(
          KEY,
          CONTEXT,
          changed(sealed, 1, () => '%%%'),
        ),
    ],
    [
      'another version',
      (sealed: string) =>
        unseal(
          KEY,
          CONTEXT,
          changed(sealed, 0, () => 'v2'),
        ),
    ],
    ['a part missing', (sealed: string) => unseal(KEY, CONTEXT, sealed.split('.').slice(0, 2).join('.'))],
    ['nothing at all', () => unseal(KEY, CONTEXT, '')],
    ['plain text', () => unseal(KEY, CONTEXT, 'sk-1234567890')],
  ])('does not open with %s, and the failure says what to do', async (_, open) => {
    expect(await failureOf(open(await seal(KEY, CONTEXT, 'secret')))).toEqual({
      kind: 'unavailable',
      message: expect.stringContaining('cannot be decrypted'),
      retryAfterSeconds: 60,
    })
  })

  test.each([undefined, ''])('needs a key, and %j is none', async (key) => {
    const failure = {
      kind: 'unavailable',
      message: expect.stringContaining('ENCRYPTION_KEY is not set'),
      retryAfterSeconds: 60,
    }
    const sealed = await seal(KEY, CONTEXT, 'secret')
    expect(await failureOf(seal(key, CONTEXT, 'secret'))).toEqual(failure)
    expect(await failureOf(unseal(key, CONTEXT, sealed))).toEqual(failure)
  })
})

// NIST, "SHA-256 examples".
test.each([
  ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
])('the SHA-256 of %j', async (text, hash) => {
  expect(await sha256Hex(text)).toBe(hash)
})
