import { hexOf } from '../platform/hex'
import { problemWithBaseUrl } from '../providers/upstream-url'
import { invalidField } from './replies'
import type { ManagementContext } from './route'

/**
 * Whether something may be posted to a receiver's URL.
 * @throws SluiceError naming `url`, and what is wrong with it
 */
export function checkReceiverUrl(
  { ALLOW_PRIVATE_UPSTREAMS }: Pick<ManagementContext['env'], 'ALLOW_PRIVATE_UPSTREAMS'>,
  url: string,
  example: string,
): void {
  if (!URL.canParse(url)) throw invalidField('url', `must be a URL such as ${example}`)
  const problem = problemWithBaseUrl(url, ALLOW_PRIVATE_UPSTREAMS === 'true')
  if (problem !== undefined) throw invalidField('url', problem)
}

/** As many as HMAC-SHA256 has in its result: more would add nothing. */
const SECRET_BYTES = 32

/** A secret to sign with, for a receiver that was given none. */
export function newSecret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(SECRET_BYTES))
  return `whsec_${hexOf(bytes)}`
}
