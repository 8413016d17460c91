import type { Member } from '../platform/json-scan'

/** English text has about four characters a token; exact counts are the provider's to tell. */
export const CHARACTERS_PER_TOKEN = 4

/** The tokens of a text; none for anything else. */
export function tokensOfText(text: unknown): number {
  return typeof text === 'string' ? Math.ceil(text.length / CHARACTERS_PER_TOKEN) : 0
}

/** What a request may use, before it is made. */
export interface TokenEstimate {
  inputTokens: number
  /** Absent for a request that writes no tokens. */
  output?: OutputEstimate
  /** Nobody is paid for it. */
  isFree?: true
}

/** What a request may write. */
export interface OutputEstimate {
  /** Its own limit for each choice; absent when it sets none. */
  mostTokens?: number
  choices: number
}

/** JSON has numbers that are infinite here; no model writes this much. */
const MOST_TOKENS = 1_000_000_000
const MOST_CHOICES = 1_000

/** An output by the limits of a request, as they were given. */
export function outputEstimate(
  mostTokens: number | undefined,
  choices: number | undefined = 1,
): OutputEstimate {
  return {
    ...(mostTokens === undefined ? {} : { mostTokens: Math.min(MOST_TOKENS, Math.max(0, mostTokens)) }),
    choices: Math.min(MOST_CHOICES, Math.max(1, choices)),
  }
}

/** A file in a request takes no fewer tokens than this, about those of an image, however small it is. */
export const TOKENS_PER_FILE = 1_600
/** And one more for so many bytes of base64: a page of a PDF, or a second of sound. */
const FILE_BYTES_PER_TOKEN = 100
/** Nothing shorter is taken for a file; it is looked for in steps of this. */
const FILE_STEP = 2_048
/** So many bytes in a row without a space or any other sign of a text. */
const FILE_PROBE = 48
const QUOTE = 34

/** Input by the size of its JSON, which is never less than its text; files in it, which are base64, count as files. */
export function tokensOfJson(request: Uint8Array, members: readonly Member[]): number {
  let textBytes = 0
  let fileTokens = 0
  for (const { valueStart, valueEnd } of members) {
    textBytes += valueEnd - valueStart
    for (let at = valueStart + FILE_STEP; at + FILE_PROBE < valueEnd; at += FILE_STEP) {
      if (!isBase64(request, at)) continue
      const end = request.indexOf(QUOTE, at)
      const size = (end === -1 || end > valueEnd ? valueEnd : end) - request.lastIndexOf(QUOTE, at) - 1
      textBytes -= size
      fileTokens += TOKENS_PER_FILE + Math.ceil(size / FILE_BYTES_PER_TOKEN)
      at += size
    }
  }
  return Math.ceil(textBytes / CHARACTERS_PER_TOKEN) + fileTokens
}

function isBase64(bytes: Uint8Array, at: number): boolean {
  for (let index = at; index < at + FILE_PROBE; index++) if (BASE64[bytes[index] ?? 0] !== 1) return false
  return true
}

const BASE64 = new Uint8Array(256)
for (const sign of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_')
  BASE64[sign.charCodeAt(0)] = 1

/** All of them together. */
export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
