import type { Config } from '../platform/config'
import type { Effects } from '../platform/effects'
import type { Env } from '../platform/env'
import { SluiceError } from '../platform/failure'
import { createLifeline } from '../platform/lifeline'
import { callUpstream, stoppedFailure } from '../providers/call'
import { targetOfProvider } from '../routing/resolve'
import { surroundingsOf } from '../routing/surroundings'

const TIMEOUT_MS = 30_000

/** The model list of a provider itself, for one whose models are not stored here. */
export async function upstreamModels(given: {
  name: string
  env: Env
  config: Config
  request: Request
  effects: Effects
}): Promise<Response> {
  const { name, env, config, request, effects } = given
  const target = targetOfProvider(name, '', surroundingsOf(env, config))
  if (target === undefined) {
    throw new SluiceError({
      kind: 'not_found',
      code: 'provider_not_found',
      message: `There is no model or provider named '${name}'.`,
    })
  }
  const timeouts = {
    headersMs: TIMEOUT_MS,
    firstContentMs: TIMEOUT_MS,
    idleMs: TIMEOUT_MS,
    totalMs: TIMEOUT_MS,
  }
  const lifeline = createLifeline({ client: request.signal, now: effects.now, timeouts })
  try {
    const answer = await callUpstream({
      target,
      env,
      method: 'GET',
      path: '/models',
      isStream: false,
      clientHeaders: request.headers,
      lifeline,
    })
    return new Response(await answer.arrayBuffer(), {
      headers: { 'content-type': answer.headers.get('content-type') ?? 'application/json' },
    })
  } catch (cause) {
    throw stoppedFailure(target, lifeline) ?? cause
  } finally {
    lifeline.release()
  }
}
