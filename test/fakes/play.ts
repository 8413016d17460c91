import { type Dialect, ReadyBody } from './dialect'
import { dialectOf } from './dialects'
import { playBrokenStream, playDrip, playStream } from './play-stream'
import type { RecordedCall } from './recorder'
import type { RawReply, ReplyOptions, Step } from './steps'
import type { Store } from './store'
import { errorContext, tell } from './tell'
import { type Ending, settle, type Wire } from './wire'

/** One call to be answered. */
export interface Scene {
  wire: Wire
  call: RecordedCall
  store: Store
  /** Notes that one more event goes out. */
  sent(): void
}

/** Does what the step says; throws ClientGone when the client leaves first. */
export async function play(step: Step, scene: Scene): Promise<void> {
  const dialect = dialectOf(scene.call)
  switch (step.kind) {
    case 'answer': {
      const refusal = dialect.refusal(scene)
      if (refusal !== undefined) return await play(refusal, scene)
      return await (dialect.isStream(scene.call)
        ? playStream(scene, dialect, step.options)
        : playReply(scene, dialect, step.options))
    }
    case 'reply':
      return await playReply(scene, dialect, step.options, step.truncated)
    case 'stream':
      return await playStream(scene, dialect, step.options)
    case 'broken-stream':
      return await playBrokenStream(scene, dialect, step.options, step.fault)
    case 'drip':
      return await playDrip(scene, dialect, step.options)
    case 'raw':
      return await playRaw(scene, step.reply)
    case 'status':
      return await playStatus(scene, dialect, step)
    case 'problem':
      return await play(dialect.problem(step.problem, errorContext(scene)), scene)
    case 'error-with-200': {
      const body = dialect.errorWith200(errorContext(scene))
      return await playStatus(scene, dialect, { status: 200, headers: {}, body })
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

async function playReply(
  scene: Scene,
  dialect: Dialect,
  options: ReplyOptions,
  truncated?: Ending,
): Promise<void> {
  const { wire, call } = scene
  const reply = dialect.reply(tell(scene, dialect, options))
  const isReady = reply instanceof ReadyBody
  const whole = Buffer.from(
    isReady
      ? reply.body
      : `${JSON.stringify(reply, null, 2)}
`,
  )
  await wire.sleep(options.delayMs ?? 0)
  wire.head(200, {
    ...dialect.headers(call.id),
    'content-type': isReady ? reply.contentType : 'application/json',
    ...options.headers,
  })
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
  scene: Scene,
  dialect: Dialect,
  { status, headers, body: own }: Omit<Extract<Step, { kind: 'status' }>, 'kind'>,
): Promise<void> {
  const { wire, call } = scene
  const usual = own === undefined ? dialect.error(status, errorContext(scene)) : { body: own }
  const isText = typeof usual.body === 'string'
  const text = isText ? String(usual.body) : `${JSON.stringify(usual.body, null, 4)}\n`
  wire.head(status, {
    ...dialect.headers(call.id),
    'content-type': isText ? 'text/html' : 'application/json',
    'content-length': String(Buffer.byteLength(text)),
    ...('headers' in usual ? usual.headers : {}),
    ...headers,
  })
  await wire.write(Buffer.from(text))
  await wire.end()
}
