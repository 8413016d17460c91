import { type Failure, SluiceError } from '../platform/failure'
import type { ModelTraits, UpstreamCodec } from '../protocols/codec'
import { paths } from '../protocols/paths'
import type { ChatRequest } from '../protocols/request'
import { withoutStandIns } from '../protocols/stand-ins'
import { upstreamCodecs } from '../protocols/table'
import { translateStream } from '../protocols/translation'
import type { Target } from '../providers/target'
import { retryAfterMsOf } from '../routing/retry-after'
import type { Lane, ReadReply } from './lane'
import type { Job } from './stages'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** From the client's protocol to canonical form, from there to the target's, and the answer back the same way. */
export function translatedLane(job: Job, target: Target): Lane {
  const { protocol, intake } = job
  const client = protocol.codec
  if (client === undefined) throw notTranslated(job, target)
  const upstream = upstreamCodecs[target.protocol]
  const request = job.decoded()
  const { body, losses, standIns } = upstream.encodeRequest(request, {
    model: target.upstreamModel,
    traits: traitsFor(request, target),
  })
  const { effects, logId: replyId } = job
  const model = target.upstreamModel
  const context = { request, model, replyId, nowSeconds: Math.floor(effects.now() / 1_000) }
  return {
    path: paths[target.protocol](target.upstreamModel, intake.stream),
    body: encoder.encode(JSON.stringify(withEdits(body, target))),
    losses,
    isTranslated: true,
    standIns,
    stream: () =>
      translateStream({
        decoder: upstream.eventDecoder(),
        encoder: client.eventEncoder(context),
        standIns,
      }),
    readReply: (bytes) =>
      readReply(upstream, bytes, (reply) =>
        encoder.encode(JSON.stringify(client.encodeReply(withoutStandIns(reply, standIns), context))),
      ),
    told: (failure) => toldAgain(job, upstream, failure),
  }
}

// What a model refuses only while it reasons, it takes from a request that says not to.
function traitsFor({ settings: { reasoning } }: ChatRequest, { traits }: Target): ModelTraits {
  const isOff = reasoning?.effort === 'none' || reasoning?.isEnabled === false
  if (!isOff || traits.efforts?.includes('none') !== true) return traits
  const { refuses: _, ...others } = traits
  return others
}

function notTranslated({ protocol }: Job, target: Target): SluiceError {
  const message = `'${target.model}' is at a provider that speaks ${target.protocol}, and ${protocol.id} is not translated. Choose a model whose provider speaks ${protocol.speaks}.`
  return new SluiceError({ kind: 'untranslatable', param: 'model', message })
}

function withEdits(body: Record<string, unknown>, { bodyEdits, defaults }: Target): Record<string, unknown> {
  if (bodyEdits === undefined && defaults === undefined) return body
  const kept = Object.entries(body).filter(([name]) => bodyEdits?.remove.includes(name) !== true)
  return { ...defaults, ...bodyEdits?.insert, ...Object.fromEntries(kept) }
}

function readReply(
  upstream: UpstreamCodec,
  bytes: Uint8Array,
  encode: (reply: ReturnType<UpstreamCodec['decodeReply']>) => Uint8Array,
): ReadReply {
  const parsed: unknown = JSON.parse(decoder.decode(bytes))
  const error = upstream.decodeError(200, bytes)
  if (error !== undefined) return { body: bytes, facts: {}, error }
  const reply = upstream.decodeReply(parsed)
  const { id: responseId, usage, choices } = reply
  const finishReason = choices[0]?.finish
  return {
    body: encode(reply),
    facts: {
      ...(responseId === undefined ? {} : { responseId }),
      ...(usage === undefined ? {} : { usage }),
      ...(finishReason === undefined ? {} : { finishReason }),
    },
  }
}

// The status, the words and the waiting time are the provider's; the shape is the client's, so that its SDK raises
// what it would at home.
function toldAgain({ protocol, effects }: Job, upstream: UpstreamCodec, failure: Failure): Failure {
  if (failure.kind !== 'upstream_status') return failure
  const { status } = failure
  const error = upstream.decodeError(status, failure.body)
  const delayMs = retryAfterMsOf(failure.headers, effects.now())
  const body = protocol.encodeError({
    status,
    type: TYPES[status] ?? (status < 500 ? 'invalid_request_error' : 'server_error'),
    code: error?.code ?? 'upstream_status',
    message: error?.message ?? `${failure.provider} answered with status ${status}.`,
    ...(error?.param === undefined ? {} : { param: error.param }),
    ...(delayMs === undefined ? {} : { retryAfterSeconds: Math.ceil(delayMs / 1_000) }),
  })
  const headers = failure.headers.filter(([name]) => name !== 'content-type')
  return {
    ...failure,
    ...(error === undefined ? {} : { message: error.message }),
    body: encoder.encode(body),
    headers: [...headers, ['content-type', 'application/json']],
  }
}

/** The words of OpenAI's error `type` by status; the other protocols have their own tables. */
const TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  429: 'rate_limit_error',
}
