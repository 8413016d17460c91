import { answersTo } from './answer'
import { asChatRequest, type ChatRequest } from './chat-request'
import { completion } from './completion'
import { playBrokenStream, playDrip, playStream } from './play-stream'
import { openAi, providerError } from './provider-errors'
import { openAiHeaders } from './provider-headers'
import type { RecordedCall } from './recorder'
import type { RawReply, ReplyOptions, Step } from './steps'
import { usageOf } from './usage'
import { type Ending, type HeaderValues, settle, type Wire } from './wire'

/** One call to be answered. */
export interface Scene {
  wire: Wire
  call: RecordedCall
  /** Notes that one more event goes out. */
  sent(): void
}

/** Does what the step says; throws ClientGone when the client leaves first. */
export async function play(step: Step, scene: Scene): Promise<void> {
  switch (step.kind) {
    case 'answer':
      return await (requestOf(scene).stream === true
        ? playStream(scene, requestOf(scene), step.options)
        : playReply(scene, step.options))
    case 'reply':
      return await playReply(scene, step.options, step.truncated)
    case 'stream':
      return await playStream(scene, requestOf(scene), step.options)
    case 'broken-stream':
      return await playBrokenStream(scene, requestOf(scene), step.options, step.fault)
    case 'drip':
      return await playDrip(scene, requestOf(scene), step.options)
    case 'raw':
      return await playRaw(scene, step.reply)
    case 'status':
      return await playStatus(scene, step.status, step.headers, step.body)
    case 'echo-auth': {
      const message = `Incorrect API key provided: ${scene.call.headers['authorization']}`
      const { body } = openAi(message, 'invalid_request_error', 'invalid_api_key')
      return await playStatus(scene, 401, {}, body)
    }
    case 'after':
      await (typeof step.wait === 'number' ? scene.wire.sleep(step.wait) : scene.wire.until(step.wait))
      return await play(step.step, scene)
    case 'by-call':
      return await play(step.choose(scene.call), scene)
    case 'no-reply':
      if (step.how === 'hang') return await scene.wire.hang()
      return step.how === 'reset' ? scene.wire.reset() : scene.wire.cut()
  }
}

async function playReply({ wire, call }: Scene, options: ReplyOptions, truncated?: Ending): Promise<void> {
  const request = requestOf({ call })
  const answers = answersTo(request, options, call.id)
  const usage = options.usage === null ? null : usageOf(request, answers, options.usage)
  const value = completion({ callId: call.id, request, answers, usage, extraFields: options.extraFields })
  const whole = Buffer.from(`${JSON.stringify(value, null, 2)}\n`)
  await wire.sleep(options.delayMs ?? 0)
  wire.head(200, { ...openAiHeaders(call.id), 'content-type': 'application/json', ...options.headers })
  await wire.write(truncated === undefined ? whole : whole.subarray(0, whole.length / 2))
  await settle(wire, truncated)
}

async function playRaw(
  { wire, sent }: Scene,
  { status = 200, headers = {}, chunks = [], ...rest }: RawReply,
) {
  await wire.sleep(rest.delayMs ?? 0)
  wire.head(status, headers)
  for (const chunk of chunks) {
    const { bytes, delayMs = 0 } =
      typeof chunk === 'string' || chunk instanceof Uint8Array ? { bytes: chunk } : chunk
    await wire.sleep(delayMs)
    sent()
    await wire.write(Buffer.from(bytes))
  }
  await settle(wire, rest.ending)
}

async function playStatus(
  { wire, call }: Scene,
  status: number,
  headers: HeaderValues,
  own?: unknown,
): Promise<void> {
  const context = { callId: call.id, model: call.model, authorization: call.headers['authorization'] ?? '' }
  const usual = own === undefined ? providerError(status, context) : { body: own }
  const isText = typeof usual.body === 'string'
  const text = isText ? String(usual.body) : `${JSON.stringify(usual.body, null, 4)}\n`
  wire.head(status, {
    ...openAiHeaders(call.id),
    'content-type': isText ? 'text/html' : 'application/json',
    'content-length': String(Buffer.byteLength(text)),
    ...('headers' in usual ? usual.headers : {}),
    ...headers,
  })
  await wire.write(Buffer.from(text))
  await wire.end()
}

function requestOf({ call }: Pick<Scene, 'call'>): ChatRequest {
  try {
    return asChatRequest(call.json())
  } catch {
    return asChatRequest({ model: call.model })
  }
}
