import { serve } from '../pipeline/serve'
import type { Exchange } from '../pipeline/stages'
import { protocols } from '../protocols/table'
import type { Pin } from '../routing/plan'
import { BASES, type InferenceRoute, type RouteContext } from './route'

/** OpenAI Chat Completions. */
export const chatCompletions: InferenceRoute = {
  method: 'POST',
  paths: BASES.map((base) => `${base}/chat/completions`),
  auth: 'inference',
  logging: 'request',
  handle: (context) => serveChat(context),
}

/** Serves a chat completion, at a pinned model or provider when there is one. */
export function serveChat(context: RouteContext, pin?: Pin): Promise<Response> {
  const { request, env, effects, background, isolate } = context
  const exchange: Exchange = {
    request,
    env,
    effects,
    background,
    protocol: protocols['openai-chat'],
    logId: effects.newId(),
    startedAtMs: effects.now(),
  }
  const answered = serve(exchange, isolate, pin)
  // A client that leaves ends its request; what is still to be settled and logged must outlive that.
  background(answered)
  return answered
}
