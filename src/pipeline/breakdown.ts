import { loggedCost } from '../logs/log-row'
import { concat, editObject } from '../platform/json-edit'
import { JsonSyntaxError, scanObject } from '../platform/json-scan'
import { fieldsOf, jsonOf, listOf } from '../protocols/fields'
import { collectChatStream } from '../protocols/openai-chat/collect'
import { shownCost } from '../providers/asked-prices'
import { type Known, recordOf } from './record'
import type { Ending, Exchange } from './stages'
import { loggableBody } from './upstream-body'

const NANO_USD_PER_USD = 1_000_000_000
const encoder = new TextEncoder()
const decoder = new TextDecoder()
/** A byte is a character here, so that places in the text are places in the bytes. */
const latin1 = new TextDecoder('latin1')
const LAST_EVENT = /data: ?\[DONE\]/
const LAST_EVENTS = ['data: [DONE]', 'data:[DONE]']
const LONGEST_BEGINNING = 'data: [DONE]'.length - 1

/** Whether a request asked to be told what it took, in the one protocol that has words for it. */
export function wantsBreakdown({ protocol }: Pick<Exchange, 'protocol'>, { intake }: Known): boolean {
  return intake?.parameters.request_breakdown === true && protocol.id === 'openai-chat'
}

/** The answer with what the request took: a field of a reply, or a last event of a stream. */
export async function withBreakdown(exchange: Exchange, known: Known, response: Response): Promise<Response> {
  if (response.status !== 200 || response.body === null) return response
  const ended = endOf(known)
  if (known.intake?.stream === true) {
    const chunk = async () => chunkOf(exchange, await breakdownOf(exchange, known, await ended))
    return new Response(response.body.pipeThrough(beforeLastEvent(chunk)), response)
  }
  const body = new Uint8Array(await response.arrayBuffer())
  const breakdown = JSON.stringify(await breakdownOf(exchange, known, await ended))
  return new Response(withMember(body, 'request_breakdown', breakdown), response)
}

/** The request's end, whether it has come or is to come. */
function endOf(known: Known): Promise<Ending> {
  if (known.ending !== undefined) return Promise.resolve(known.ending)
  const { promise, resolve } = Promise.withResolvers<Ending>()
  const others = known.onEnd
  known.onEnd = (ending) => {
    others?.(ending)
    resolve(ending)
  }
  return promise
}

/** The hosted gateway's fields (compatibility document, A6); nobody rates answers here. */
async function breakdownOf(exchange: Exchange, known: Known, ending: Ending) {
  const record = recordOf(exchange, known, ending)
  const cost = await shownCost(exchange.env, record)
  const costNanoUsd = cost === undefined ? null : loggedCost(record, cost).costNanoUsd
  const { usage, tags, startedAtMs, endedAtMs } = record
  const written = (usage?.cacheWrite5mTokens ?? 0) + (usage?.cacheWrite1hTokens ?? 0)
  const fullRequest =
    known.intake === undefined ? {} : fieldsOf(jsonOf(decoder.decode(loggableBody(known.intake))))
  return {
    prompt_tokens: usage === undefined ? null : usage.inputTokens + usage.cacheReadTokens + written,
    completion_tokens: usage?.outputTokens ?? null,
    cost: costNanoUsd === null ? null : costNanoUsd / NANO_USD_PER_USD,
    prompt_messages: listOf(fullRequest.messages),
    completion_message: messageOf(ending.responseBody, record.stream),
    model: record.model ?? null,
    cached: known.cached !== undefined,
    timestamp: new Date(endedAtMs).toISOString(),
    status_code: record.statusCode,
    stream: record.stream,
    latency: (endedAtMs - startedAtMs) / 1_000,
    routing_time: record.routingMs / 1_000,
    scores: {},
    category: tags.category ?? '',
    metadata: tags.metadata ?? {},
    full_request: fullRequest,
    sentiment_score: null,
  }
}

function messageOf(body: Uint8Array | undefined, isStream: boolean): unknown {
  if (body === undefined) return null
  const reply = isStream ? collectChatStream(body) : jsonOf(decoder.decode(body))
  return fieldsOf(listOf(fieldsOf(reply).choices)[0]).message ?? null
}

function chunkOf({ effects }: Exchange, breakdown: object): Uint8Array {
  const nothing = { content: null, role: 'assistant' }
  const choice = {
    delta: nothing,
    finish_reason: 'stop',
    request_breakdown: breakdown,
    index: 0,
    message: nothing,
  }
  const chunk = {
    id: 'request_breakdown',
    choices: [choice],
    created: Math.floor(effects.now() / 1_000),
    model: 'extra_parameter',
    object: 'chat.completion.chunk',
    system_fingerprint: null,
    usage: {},
  }
  return encoder.encode(`data: ${JSON.stringify(chunk)}\n\n`)
}

/** Lets a stream pass as it comes and holds its last event back until there is something to put before it. */
function beforeLastEvent(chunk: () => Promise<Uint8Array>): TransformStream<Uint8Array, Uint8Array> {
  let held: Uint8Array = new Uint8Array(0)
  let isAtEnd = false
  return new TransformStream({
    transform(bytes, controller) {
      const all = held.byteLength === 0 ? bytes.slice() : concat([held, bytes])
      const from = isAtEnd ? 0 : heldFrom(latin1.decode(all))
      isAtEnd ||= LAST_EVENT.test(latin1.decode(all))
      held = all.slice(from)
      if (from > 0) controller.enqueue(all.slice(0, from))
    },
    async flush(controller) {
      // A stream that broke off has no last event; what it took is told nobody.
      if (isAtEnd) controller.enqueue(await chunk())
      if (held.byteLength > 0) controller.enqueue(held)
    },
  })
}

/** From where on a text is, or may become, the last event. */
function heldFrom(text: string): number {
  const last = LAST_EVENT.exec(text)
  if (last !== null) return last.index
  const tail = text.slice(-LONGEST_BEGINNING)
  const mayBegin = (text: string) => LAST_EVENTS.some((last) => last.startsWith(text))
  const begin = [...tail].findIndex((_, at) => mayBegin(tail.slice(at)))
  return begin === -1 ? text.length : text.length - tail.length + begin
}

function withMember(body: Uint8Array, name: string, json: string): Uint8Array {
  try {
    return editObject(body, scanObject(body), { insert: new Map([[name, json]]) })
  } catch (cause) {
    // Whatever the provider sent instead of an object passes as it is.
    if (cause instanceof JsonSyntaxError) return body
    throw cause
  }
}
