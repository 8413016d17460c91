import { type Claim, claim } from '../idempotency/claim'
import { checkKey, fingerprintOf, IDEMPOTENCY_KEY } from '../idempotency/key'
import { numberVariable } from '../platform/env'
import { SluiceError } from '../platform/failure'
import { DEFAULT_MAX_BODY_BYTES, readBody } from '../platform/read-body'
import type { Pin } from '../routing/pin'
import { identify } from './authenticate'
import { leaseMsOf, timeoutsOf } from './deadlines'
import { FORM_TYPE, readIntake } from './intake'
import type { Isolate } from './isolate'
import { leadCall } from './lead-call'
import type { Known } from './record'
import { replay } from './replay'
import type { Exchange } from './stages'

/** What a request with an idempotency key comes with. */
export interface OnceGiven {
  key: string
  pin: Pin | undefined
  known: Known
  /** Serves the request as if it had no key. */
  serveNow(exchange: Exchange): Promise<Response>
}

/**
 * Serves requests with the same idempotency key once: the first one calls, the others are given its answer. A form is
 * served without: its boundary is another one each time, so that no repeat could be told from another request.
 */
export async function serveOnce(exchange: Exchange, isolate: Isolate, given: OnceGiven): Promise<Response> {
  const { request, env } = exchange
  const { key, pin, known, serveNow } = given
  if (FORM_TYPE.test(request.headers.get('content-type') ?? '')) return serveNow(exchange)
  const { caller } = await identify(exchange, isolate, known)
  checkKey(key)
  const body = await readBody(request, numberVariable(env.MAX_BODY_BYTES, DEFAULT_MAX_BODY_BYTES))
  const leading = new AbortController()
  const again = () => ({ ...exchange, request: withoutKey(request, body, leading.signal) })
  const intake = await readIntake(again(), body.byteLength)
  known.intake = intake
  const fingerprint = await fingerprintOf([withoutSecret(request.url), intake.parameters, pin], body)
  const timeouts = timeoutsOf(exchange, await isolate.config.get(exchange.background))
  const wish = { fingerprint, leaseMs: leaseMsOf(timeouts) }
  for (;;) {
    const claimed = await claim(env, { apiKeyId: caller.apiKeyId, key }, wish)
    if (claimed.kind === 'lead')
      return leadCall({
        exchange,
        known,
        recording: claimed.recording,
        leading,
        serve: () => serveNow(again()),
      })
    if (claimed.kind !== 'follow') throw refusal(claimed)
    const replayed = await replay(exchange, isolate, { frames: claimed.frames, caller, intake, known })
    // The one that called has no answer for others: this one is the next to call, or another that waited too.
    if (replayed !== undefined) return replayed
  }
}

// A client that leaves does not end the call while others wait for it; what leads has its own signal. The key stays
// here: at the provider two API keys of this gateway are one customer, and may well choose the same one.
function withoutKey(request: Request, body: Uint8Array, signal: AbortSignal): Request {
  const headers = new Headers(request.headers)
  headers.delete(IDEMPOTENCY_KEY)
  return new Request(request.url, { method: request.method, headers, body: new Uint8Array(body), signal })
}

// An API key may be in the address; who it stands for is in the object's name.
function withoutSecret(address: string): string {
  const url = new URL(address)
  url.searchParams.delete('key')
  return url.pathname + url.search
}

function refusal(claimed: Exclude<Claim, { kind: 'lead' | 'follow' }>): SluiceError {
  const param = 'Idempotency-Key'
  if (claimed.kind === 'other_body') {
    const message =
      'This idempotency key was used for another request: its body, path or parameters are different. Use a new key.'
    return new SluiceError({ kind: 'conflict', code: 'idempotency_key_reused', param, message })
  }
  const message = `This request was answered before, with ${claimed.sizeBytes} bytes, which is more than is kept for repeats. Use a new key to make the call again.`
  return new SluiceError({ kind: 'conflict', code: 'idempotent_answer_not_kept', param, message })
}
