import { chat } from '../chat-dialect'
import type { Asked, Dialect } from '../dialect'
import { status } from '../faults'
import { fieldsOf, numberOf, stringOf } from '../fields'
import { json, type Step } from '../steps'
import { geminiHeaders } from './errors'

/** Google's OAuth token endpoint, which gives an access token for a service account's signed word. */
export const googleToken: Dialect = {
  ...chat,
  headers: geminiHeaders,
  isStream: () => false,
  reply: ({ callId }) => tokenFor(callId),
  error: (code) => ({
    body: denied(code < 500 ? 'invalid_grant' : 'internal_failure', 'Invalid JWT Signature.'),
  }),
  refusal: () => undefined,
  unscripted,
}

/** Checks the form of the request and of its JWT; the signature is the test's to verify. */
function unscripted({ call }: Asked): Step {
  const form = new URLSearchParams(call.bodyBytes.toString())
  if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:jwt-bearer') {
    return status(
      400,
      denied('unsupported_grant_type', `Invalid grant_type: ${form.get('grant_type') ?? ''}`),
    )
  }
  const problem = jwtProblem(form.get('assertion') ?? '')
  return problem === undefined ? json(tokenFor(call.id)) : status(400, denied('invalid_grant', problem))
}

function tokenFor(callId: number) {
  return { access_token: `ya29.fake-token-${callId}`, expires_in: 3599, token_type: 'Bearer' }
}

function jwtProblem(assertion: string): string | undefined {
  const [header, claims, signature, ...more] = assertion.split('.')
  if (header === undefined || claims === undefined || !signature || more.length > 0) {
    return 'Bad Request'
  }
  const { alg } = decoded(header)
  const { iss, aud, scope, iat, exp } = decoded(claims)
  if (alg !== 'RS256') return 'Invalid JWT: the algorithm must be RS256.'
  if (stringOf(iss) === '' || stringOf(aud) === '') return 'Invalid JWT: iss and aud are required.'
  if (stringOf(scope) === '') return 'Empty or missing scope not allowed.'
  const [from, until] = [numberOf(iat) ?? 0, numberOf(exp) ?? 0]
  const seconds = Date.now() / 1000
  if (until - from > 3600 || from > seconds + 300 || until < seconds) {
    const rule = 'Token must be a short-lived token (60 minutes) and in a reasonable timeframe.'
    return `Invalid JWT: ${rule} Check your iat and exp values in the JWT claim.`
  }
  return undefined
}

function decoded(part: string) {
  try {
    return fieldsOf(JSON.parse(Buffer.from(part, 'base64url').toString()))
  } catch {
    return {}
  }
}

function denied(error: string, error_description: string) {
  return { error, error_description }
}
