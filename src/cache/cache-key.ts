import { sha256Hex } from '../platform/encryption'
import { canonicalText } from './canonical-json'

/** Raised when the same request gets another key, so that nothing of before is found. */
const KEY_FORMAT = 1

/** Among whom an answer is shared. There is one organization in each deployment, so that it is not named. */
export interface CacheScope {
  environment: 'prod' | 'test'
  /** Only for this API key. */
  apiKeyId?: string
  /** Only for this end user. */
  customer?: string
  /** Only answers of these models, by their canonical names. */
  models?: readonly string[]
}

/** What is asked. */
export interface Question {
  /** `chat`, or the id of the endpoint whose body is asked with. */
  kind: string
  content: unknown
  /** Headers that steer the provider. */
  headers?: Readonly<Record<string, string>>
  /** Endpoints without a canonical form answer in the form that they are asked for. */
  isStream?: boolean
}

/**
 * The key of an answer: SHA-256 in hexadecimal over the canonical text of all that makes two requests equal.
 * `exact` is asked for when integers lost digits: the request as it was written, read by `exactJson`.
 */
export async function cacheKeyOf(
  scope: CacheScope,
  question: Question,
  exact: () => unknown,
): Promise<string> {
  const told = canonicalText({ format: KEY_FORMAT, scope, question })
  const { text, long } = told.isExact ? told : canonicalText({ scope, kind: question.kind, exact: exact() })
  if (long.length === 0) return sha256Hex(text.join(''))
  const hashes = await Promise.all(long.map((one) => sha256Hex(one)))
  // A `#` begins no JSON value, so that no text can be taken for a hash.
  return sha256Hex(text.map((piece, index) => piece + hashAt(hashes, index)).join(''))
}

function hashAt(hashes: readonly string[], index: number): string {
  const hash = hashes[index]
  return hash === undefined ? '' : `#${hash}`
}
