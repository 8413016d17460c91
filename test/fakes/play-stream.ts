import type { Chunk, Dialect, StreamEvent } from './dialect'
import { EventWriter } from './event-writer'
import type { Scene } from './play'
import type { StreamFault, StreamOptions } from './steps'
import { errorContext, tell } from './tell'
import { settle } from './wire'

/** Streams an answer to its end. */
export async function playStream(scene: Scene, dialect: Dialect, options: StreamOptions): Promise<void> {
  const events = [...eventsOf(chunksOf(scene, dialect, options)), ...doneOf(scene, dialect, options)]
  const writer = new EventWriter(scene, dialect, options)
  await writer.open()
  for (const [index, event] of events.entries()) await writer.send(event, index === events.length - 1)
  await writer.end()
}

/** Streams an answer until the fault strikes. */
export async function playBrokenStream(
  scene: Scene,
  dialect: Dialect,
  options: StreamOptions,
  fault: StreamFault,
): Promise<void> {
  const chunks = chunksOf(scene, dialect, options)
  const events = eventsOf(fault.how === 'end' ? chunks.filter(({ isTerminal }) => !isTerminal) : chunks)
  const writer = new EventWriter(scene, dialect, options)
  await writer.open()
  for (const event of events.slice(0, fault.afterEvents)) await writer.send(event)
  const next = events[fault.afterEvents]
  if (fault.insideEvent === true && next !== undefined) await writer.sendHalf(next)
  if (fault.how === 'end') return await writer.end()
  if (fault.how === 'error') {
    const error = fault.error ?? dialect.errorEvent(errorContext(scene))
    for (const event of [error, ...doneOf(scene, dialect, options)]) await writer.send(event)
    return await writer.end()
  }
  await writer.flush()
  await settle(scene.wire, fault.how)
}

/** Streams one word over and over until the client leaves. */
export async function playDrip(scene: Scene, dialect: Dialect, options: StreamOptions): Promise<void> {
  const chunks = chunksOf(scene, dialect, { content: ['drip '], ...options })
  const first = chunks.findIndex(({ isText }) => isText === true)
  const writer = new EventWriter(scene, dialect, options)
  await writer.open()
  for (const { data } of chunks.slice(0, first)) await writer.send(data)
  for (let word = chunks[first]?.data; word !== undefined; word = following(word)) await writer.send(word)
}

/** The same event once more; events that are numbered go on being so. */
function following(event: StreamEvent): StreamEvent {
  if (typeof event === 'string' || typeof event['sequence_number'] !== 'number') return event
  return { ...event, sequence_number: event['sequence_number'] + 1 }
}

function chunksOf(scene: Scene, dialect: Dialect, options: StreamOptions): Chunk[] {
  if (options.events !== undefined) return options.events.map((data) => ({ data, isTerminal: false }))
  return dialect.events(tell(scene, dialect, options), options)
}

function eventsOf(chunks: Chunk[]): StreamEvent[] {
  return chunks.map(({ data }) => data)
}

function doneOf({ call }: Scene, dialect: Dialect, { done }: StreamOptions): readonly string[] {
  return done === false ? [] : dialect.done(call)
}
