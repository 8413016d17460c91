import { importPKCS8, SignJWT } from 'jose'
import { SluiceError } from '../platform/failure'
import { fieldsOf, jsonOf, numberOf, textOf } from '../protocols/fields'
import type { ServiceAccount } from './credential-fields'

/** For whom a token is, and whether it may come from this machine (tests have their own token endpoint). */
export interface TokenCall {
  providerId: string
  mayBePrivate: boolean
}

interface Token {
  value: string
  expiresAtMs: number
}

interface Held {
  token?: Token
  exchange?: { promise: Promise<string>; sinceMs: number }
}

const SCOPE = 'https://www.googleapis.com/auth/cloud-platform'
const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
/** The longest that Google takes. */
const ASSERTION_SECONDS = 3_600
/** A token with less left is renewed, so that none runs out on its way. */
const MARGIN_MS = 5 * 60_000
const EXCHANGE_TIMEOUT_MS = 10_000
/** How long a request waits for another one's exchange: workerd may drop that with the request that began it. */
const PATIENCE_MS = 2_000
const MAX_DETAIL_LENGTH = 200

const held = new WeakMap<ServiceAccount, Held>()

/** An access token for a service account: at once while it is good, by one exchange for all who wait otherwise. */
export function googleToken(account: ServiceAccount, call: TokenCall): string | Promise<string> {
  const state = held.get(account) ?? {}
  held.set(account, state)
  if (state.token !== undefined && state.token.expiresAtMs - Date.now() > MARGIN_MS) return state.token.value
  return renewed(state, account, call)
}

/** The token that is in use, without asking for one. */
export function heldGoogleToken(account: ServiceAccount): string | undefined {
  return held.get(account)?.token?.value
}

async function renewed(state: Held, account: ServiceAccount, call: TokenCall): Promise<string> {
  const running = state.exchange
  if (running === undefined || Date.now() - running.sinceMs >= PATIENCE_MS) return begin(state, account, call)
  return (await atMost(running.promise, PATIENCE_MS)) ?? begin(state, account, call)
}

function begin(state: Held, account: ServiceAccount, call: TokenCall): Promise<string> {
  const exchange = { promise: renew(state, account, call), sinceMs: Date.now() }
  state.exchange = exchange
  const done = () => {
    if (state.exchange === exchange) delete state.exchange
  }
  exchange.promise.then(done, done)
  return exchange.promise
}

async function renew(state: Held, account: ServiceAccount, call: TokenCall): Promise<string> {
  try {
    state.token = await exchanged(account, call)
    return state.token.value
  } catch (cause) {
    // What is left of the old one will do while the endpoint is away.
    if (state.token !== undefined && state.token.expiresAtMs > Date.now()) return state.token.value
    throw cause
  }
}

async function atMost(promise: Promise<string>, limitMs: number): Promise<string | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const silence = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, limitMs, undefined)
  })
  try {
    return await Promise.race([promise, silence])
  } finally {
    if (timer !== undefined) clearTimeout(timer)
  }
}

async function exchanged(account: ServiceAccount, call: TokenCall): Promise<Token> {
  checkTokenUri(account, call)
  const assertion = await assertionOf(account)
  const startedAtMs = Date.now()
  const answer = await post(account, assertion, call)
  const fields = fieldsOf(jsonOf(await answer.text().catch(() => '')))
  if (!answer.ok) throw refused(answer.status, { fields, account, call })
  const value = textOf(fields['access_token'])
  if (value === undefined) {
    const message = 'its token endpoint answered without an access token.'
    throw new SluiceError({ kind: 'upstream_invalid', provider: call.providerId, message })
  }
  return { value, expiresAtMs: startedAtMs + (numberOf(fields['expires_in']) ?? 0) * 1_000 }
}

// The key in the assertion's hands is worth an account: it goes to Google, or to a fake on this machine.
function checkTokenUri({ clientEmail, tokenUri }: ServiceAccount, { mayBePrivate }: TokenCall): void {
  const url = URL.canParse(tokenUri) ? new URL(tokenUri) : undefined
  const isGoogle = url?.protocol === 'https:' && /(?:^|\.)googleapis\.com$/.test(url.hostname)
  const isLoopback = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(url?.hostname ?? '')
  if (isGoogle || (mayBePrivate && isLoopback)) return
  throw notConfigured(`the token_uri of the service account ${clientEmail} is not one of googleapis.com.`)
}

async function assertionOf(account: ServiceAccount): Promise<string> {
  const { clientEmail, privateKey, privateKeyId, tokenUri } = account
  const key = await importPKCS8(privateKey, 'RS256').catch(() => undefined)
  if (key === undefined) {
    const message = `the private_key of the service account ${clientEmail} cannot be read; store the JSON just as Google made it.`
    throw notConfigured(message)
  }
  const issuedAt = Math.floor(Date.now() / 1_000)
  return new SignJWT({ scope: SCOPE })
    .setProtectedHeader({
      alg: 'RS256',
      typ: 'JWT',
      ...(privateKeyId === undefined ? {} : { kid: privateKeyId }),
    })
    .setIssuer(clientEmail)
    .setAudience(tokenUri)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + ASSERTION_SECONDS)
    .sign(key)
}

async function post({ tokenUri }: ServiceAccount, assertion: string, call: TokenCall): Promise<Response> {
  try {
    return await fetch(tokenUri, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ grant_type: GRANT_TYPE, assertion }).toString(),
      redirect: 'manual',
      signal: AbortSignal.timeout(EXCHANGE_TIMEOUT_MS),
    })
  } catch (cause) {
    throw unreachable(call, cause instanceof Error ? cause.message : String(cause))
  }
}

// Only the two fields that OAuth defines are repeated: whatever else the answer holds may be of the assertion.
function refused(
  status: number,
  about: { fields: Record<string, unknown>; account: ServiceAccount; call: TokenCall },
): SluiceError {
  const { fields, account, call } = about
  if (status < 400 || status === 429 || status >= 500)
    return unreachable(call, `it answered with status ${status}`)
  const said = [textOf(fields['error']), textOf(fields['error_description'])].filter(
    (one) => one !== undefined,
  )
  const detail = said.join(': ').slice(0, MAX_DETAIL_LENGTH)
  return notConfigured(
    `Google refused the service account ${account.clientEmail} with status ${status}${detail === '' ? '' : ` (${detail})`}.`,
  )
}

function unreachable({ providerId }: TokenCall, reason: string): SluiceError {
  const message = `its token endpoint gave no access token: ${reason}.`
  return new SluiceError({ kind: 'upstream_unreachable', provider: providerId, message })
}

function notConfigured(reason: string): SluiceError {
  const message = reason.charAt(0).toUpperCase() + reason.slice(1)
  return new SluiceError({ kind: 'provider_not_configured', message })
}
