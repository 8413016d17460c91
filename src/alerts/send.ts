import { problemWithBaseUrl } from '../providers/upstream-url'
import type { Channel } from './channel'
import { emailMessage } from './email-message'
import { type AlertEvent, payloadOf } from './event'
import { redacted } from './redacted'
import { slackMessage } from './slack-message'
import { webhookHeaders } from './webhook-headers'

/** What sending needs of a worker. */
export interface SendEnv {
  ENCRYPTION_KEY?: string
  ALLOW_PRIVATE_UPSTREAMS?: string
  /** Cloudflare's own mail service, where it is bound. */
  EMAIL?: SendEmail
}

/** What became of a message. One that failed for good is not sent again. */
export type Sent =
  | { kind: 'sent' }
  | { kind: 'failed'; reason: string; isPermanent: boolean; retryAfterSeconds?: number }

const DEADLINE_MS = 10_000
const MAX_REASON = 300
/** Of what a receiver says; no more is read. */
const MAX_WORDS_BYTES = 16_384
/** The 4xx that may do better later. */
const PASSING = new Set([408, 409, 425, 429])

const SENDERS: Record<Channel['type'], (env: SendEnv, channel: Channel, event: AlertEvent) => Promise<Sent>> =
  {
    slack: (env, { target }, event) => post(env, target.url, JSON.stringify(slackMessage(event)), {}),
    webhook: async (env, { target }, event) => {
      const body = JSON.stringify(payloadOf(event))
      return post(env, target.url, body, await webhookHeaders(target.secret ?? '', body, event.id))
    },
    email: sendEmail,
  }

/** Sends an event to a channel. Never rejects; receivers like to repeat what they were sent, and nobody is told of that. */
export async function send(env: SendEnv, channel: Channel, event: AlertEvent): Promise<Sent> {
  const sent = await attempt(env, channel, event)
  if (sent.kind === 'sent') return sent
  return { ...sent, reason: redacted(sent.reason, channel.target).slice(0, MAX_REASON) }
}

async function attempt(env: SendEnv, channel: Channel, event: AlertEvent): Promise<Sent> {
  try {
    return await SENDERS[channel.type](env, channel, event)
  } catch (cause) {
    return failed(cause instanceof Error ? cause.message : String(cause), false)
  }
}

async function sendEmail(env: SendEnv, { address, target }: Channel, event: AlertEvent): Promise<Sent> {
  const message = emailMessage(event, { from: address.from ?? '', to: address.to ?? [] })
  if (target.url !== undefined) {
    const authorization = target.apiKey === undefined ? {} : { authorization: `Bearer ${target.apiKey}` }
    return post(env, target.url, JSON.stringify(message), { ...authorization, 'idempotency-key': event.id })
  }
  if (env.EMAIL === undefined)
    return failed('No mail service is bound to this worker: bind EMAIL, or give the channel a url.', true)
  await env.EMAIL.send(message)
  return { kind: 'sent' }
}

/** Sends JSON to a receiver. The address was checked when it was stored; the rules may have changed since. */
export async function post(
  env: Pick<SendEnv, 'ALLOW_PRIVATE_UPSTREAMS'>,
  url: string | undefined,
  body: string,
  headers: Record<string, string>,
): Promise<Sent> {
  const problem = problemWithBaseUrl(url ?? '', env.ALLOW_PRIVATE_UPSTREAMS === 'true')
  if (url === undefined || problem !== undefined)
    return failed('The address of the channel is not allowed any more.', true)
  const response = await fetch(url, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', 'user-agent': 'Sluice-Alerts/1', ...headers },
    redirect: 'manual',
    signal: AbortSignal.timeout(DEADLINE_MS),
  })
  const { status } = response
  if (response.ok) {
    await response.body?.cancel()
    return { kind: 'sent' }
  }
  const words = await beginningOf(response)
  const isPermanent = status < 500 && !PASSING.has(status)
  return {
    ...failed(`The receiver answered with status ${status}${words === '' ? '.' : `: ${words}`}`, isPermanent),
    ...retryAfterOf(response.headers.get('retry-after')),
  }
}

async function beginningOf({ body }: Response): Promise<string> {
  const decoder = new TextDecoder()
  let bytes = 0
  let text = ''
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength
    text += decoder.decode(chunk, { stream: true })
    if (bytes > MAX_WORDS_BYTES) break
  }
  return text.trim()
}

function failed(reason: string, isPermanent: boolean) {
  return { kind: 'failed' as const, reason, isPermanent }
}

function retryAfterOf(text: string | null): { retryAfterSeconds?: number } {
  const seconds = Number(text)
  return text === null || !Number.isFinite(seconds) || seconds <= 0
    ? {}
    : { retryAfterSeconds: Math.ceil(seconds) }
}
