import { type Member, valueOf } from '../platform/json-scan'
import {
  CHARACTERS_PER_TOKEN,
  outputEstimate,
  type TokenEstimate,
  tokensOfJson,
} from '../protocols/token-estimate'
import { isJson, MAX_READ_BYTES } from './forward-intake'
import type { Intake } from './intake'

/** What the providers' APIs call the most that an answer may have. */
const OUTPUT_FIELDS: readonly string[] = ['max_tokens', 'max_completion_tokens', 'max_output_tokens']

/**
 * What a request that is passed through may use, by the size of its JSON and the most that it lets a model write:
 * nobody reads it, but a limit on tokens is not to be passed by going another way. Undefined for one without JSON, such
 * as the upload of a file.
 */
export function forwardedEstimate(
  { headers, body }: Request,
  { bytes, members }: Pick<Intake, 'bytes' | 'members'>,
): TokenEstimate | undefined {
  if (body === null || !isJson(headers)) return undefined
  const isRead = bytes.byteLength > 0
  const unread = Number(headers.get('content-length') ?? MAX_READ_BYTES)
  return {
    inputTokens: isRead ? tokensOfJson(bytes, members) : Math.ceil(unread / CHARACTERS_PER_TOKEN),
    output: outputEstimate(mostTokens(bytes, members)),
  }
}

function mostTokens(bytes: Uint8Array, members: readonly Member[]): number | undefined {
  const limits = members.filter(({ key, kind }) => OUTPUT_FIELDS.includes(key) && kind === 'number')
  return limits.length === 0 ? undefined : Math.max(...limits.map((limit) => Number(valueOf(bytes, limit))))
}
