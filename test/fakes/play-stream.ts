import { answersTo } from './answer'
import type { ChatRequest } from './chat-request'
import { chunksOf, type UsageMode } from './chunks'
import { EventWriter, type StreamEvent } from './event-writer'
import type { Scene } from './play'
import type { StreamFault, StreamOptions } from './steps'
import { type UsageOverride, usageOf } from './usage'
import { settle } from './wire'

const DONE = 'data: [DONE]'

/** Streams an answer to its end. */
export async function playStream(scene: Scene, request: ChatRequest, options: StreamOptions): Promise<void> {
  const events = [...eventsOf(scene.call.id, request, options), ...doneOf(options)]
  const writer = new EventWriter(scene, options)
  await writer.open()
  for (const [index, event] of events.entries()) await writer.send(event, index === events.length - 1)
  await writer.end()
}

/** Streams an answer until the fault strikes. */
export async function playBrokenStream(
  scene: Scene,
  request: ChatRequest,
  options: StreamOptions,
  fault: StreamFault,
): Promise<void> {
  const events = eventsOf(scene.call.id, request, options, fault.how === 'end')
  const writer = new EventWriter(scene, options)
  await writer.open()
  for (const event of events.slice(0, fault.afterEvents)) await writer.send(event)
  const next = events[fault.afterEvents]
  if (fault.insideEvent === true && next !== undefined) await writer.sendHalf(next)
  if (fault.how === 'end') return await writer.end()
  if (fault.how === 'error') {
    for (const event of [fault.error ?? {}, ...doneOf(options)]) await writer.send(event)
    return await writer.end()
  }
  await writer.flush()
  await settle(scene.wire, fault.how)
}

/** Streams one word over and over until the client leaves. */
export async function playDrip(scene: Scene, request: ChatRequest, options: StreamOptions): Promise<void> {
  const [role, word] = eventsOf(scene.call.id, request, { content: ['drip '], ...options }, true)
  const writer = new EventWriter(scene, options)
  await writer.open()
  for (let event = role; event !== undefined; event = word) await writer.send(event)
}

/** The events of a whole reply; `withoutTerminal` leaves out those that say that it is over. */
function eventsOf(
  callId: number,
  request: ChatRequest,
  options: StreamOptions,
  withoutTerminal = false,
): StreamEvent[] {
  if (options.events !== undefined) return options.events
  const [usageMode, override] = usageModeOf(options)
  const answers = answersTo(request, options, callId)
  const usage = usageOf(request, answers, override)
  const style = {
    usageMode,
    reasoningField: options.reasoningField ?? 'reasoning_content',
    toolStyle: options.toolStyle ?? 'in-pieces',
    azure: options.azure === true,
  }
  const chunks = chunksOf({ callId, request, answers, usage, extraFields: options.extraFields }, style)
  return chunks.filter(({ isTerminal }) => !(withoutTerminal && isTerminal)).map(({ data }) => data)
}

function doneOf({ done }: StreamOptions): StreamEvent[] {
  return done === false ? [] : [DONE]
}

function usageModeOf({ usage, tokens }: StreamOptions): [UsageMode, UsageOverride | undefined] {
  if (usage === null) return ['never', tokens]
  return typeof usage === 'object' ? ['when-asked', usage] : [usage ?? 'when-asked', tokens]
}
