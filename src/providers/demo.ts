import { hexOf } from '../platform/hex'
import { answerTo, type DemoAnswer, type DemoUsage, usageOf } from './demo-answer'
import { type DemoAsk, DemoRefusal, parseAsk } from './demo-ask'

/** What all objects of one reply share. */
interface Reply {
  /** Lowercase hex, the same for the same request. */
  hash: string
  ask: DemoAsk
  answer: DemoAnswer
  usage: DemoUsage
  /** Seconds since 1970. */
  created: number
}

const fingerprint = 'fp_demo'
// Seconds since 1970: 2026-01-01.
const modelCreated = 1_767_225_600
// By code point, so that no character is cut in two.
const argumentsPiece = /[\s\S]{1,8}/gu
// A word with the white space before it, as models have their tokens.
const word = /\s*\S+|\s+$/g

/**
 * The provider inside the worker: takes and answers OpenAI Chat Completions as `fetch` would, with the model `echo`.
 * Rejects only when the request's signal is aborted, which also breaks a stream that is under way.
 */
export async function demoFetch(request: Request): Promise<Response> {
  const path = new URL(request.url).pathname.replace(/\/$/, '')
  if (request.method === 'GET' && path.endsWith('/models')) return modelList()
  if (request.method !== 'POST' || !path.endsWith('/chat/completions')) {
    return refuse(new DemoRefusal(404, `Invalid URL (${request.method} ${path})`, null, null))
  }
  const text = await request.text()
  const hash = await hashOf(text)
  request.signal.throwIfAborted()
  try {
    const reply = replyTo(text, hash)
    return reply.ask.stream ? streamed(reply, request.signal) : json(200, completion(reply))
  } catch (error) {
    if (error instanceof DemoRefusal) return refuse(error)
    throw error
  }
}

function replyTo(text: string, hash: string): Reply {
  const ask = parseAsk(text)
  const answer = answerTo(ask)
  return { hash, ask, answer, usage: usageOf(ask, answer), created: Math.floor(Date.now() / 1000) }
}

function modelList(): Response {
  return json(200, {
    object: 'list',
    data: [{ id: 'echo', object: 'model', created: modelCreated, owned_by: 'demo' }],
  })
}

function refuse({ status, message, param, code }: DemoRefusal): Response {
  return json(status, { error: { message, type: 'invalid_request_error', param, code } })
}

function json(status: number, body: unknown): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } })
}

function completion({ hash, ask, answer, usage, created }: Reply): unknown {
  return {
    id: `chatcmpl-demo-${hash}`,
    object: 'chat.completion',
    created,
    model: ask.model,
    choices: Array.from({ length: ask.choices }, (_, index) => ({
      index,
      message: {
        role: 'assistant',
        content: answer.content,
        ...(answer.call === undefined ? {} : { tool_calls: [toolCall(hash, index, answer.call)] }),
        refusal: null,
        annotations: [],
      },
      logprobs: null,
      finish_reason: answer.finishReason,
    })),
    usage,
    service_tier: 'default',
    system_fingerprint: fingerprint,
  }
}

function toolCall(hash: string, choice: number, call: { name: string; arguments: string }) {
  return { id: `call_demo_${hash.slice(0, 16)}_${choice}`, type: 'function', function: call }
}

function streamed(reply: Reply, signal: AbortSignal): Response {
  return new Response(bodyOf(events(reply), signal), {
    headers: { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' },
  })
}

/** Makes an event when one is read, so that nothing is left to do once the reader is gone. */
function bodyOf(source: Generator<string, void>, signal: AbortSignal): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        signal.addEventListener('abort', () => controller.error(signal.reason), { once: true })
      },
      pull(controller) {
        const next = source.next()
        if (next.done === true) controller.close()
        else controller.enqueue(encoder.encode(next.value))
      },
      cancel() {
        source.return()
      },
    },
    { highWaterMark: 0 },
  )
}

function* events(reply: Reply): Generator<string, void> {
  for (const choice of choiceEvents(reply)) yield event(chunk(reply, [choice], null))
  if (reply.ask.includeUsage) yield event(chunk(reply, [], reply.usage))
  yield 'data: [DONE]\n\n'
}

function event(data: unknown): string {
  return `data: ${JSON.stringify(data)}\n\n`
}

function chunk({ hash, ask, created }: Reply, choices: unknown[], usage: DemoUsage | null): unknown {
  return {
    id: `chatcmpl-demo-${hash}`,
    object: 'chat.completion.chunk',
    created,
    model: ask.model,
    service_tier: 'default',
    system_fingerprint: fingerprint,
    choices,
    ...(ask.includeUsage ? { usage } : {}),
  }
}

function* choiceEvents(reply: Reply): Generator<unknown, void> {
  for (let index = 0; index < reply.ask.choices; index++) {
    for (const delta of deltas(reply, index)) yield { index, delta, logprobs: null, finish_reason: null }
    yield { index, delta: {}, logprobs: null, finish_reason: reply.answer.finishReason }
  }
}

function* deltas({ hash, answer }: Reply, choice: number): Generator<unknown, void> {
  const { content, call } = answer
  yield { role: 'assistant', content: content === null ? null : '', refusal: null }
  for (const [text] of (content ?? '').matchAll(word)) yield { content: text }
  if (call === undefined) return
  yield { tool_calls: [{ index: 0, ...toolCall(hash, choice, { name: call.name, arguments: '' }) }] }
  for (const [piece] of call.arguments.matchAll(argumentsPiece)) {
    yield { tool_calls: [{ index: 0, function: { arguments: piece } }] }
  }
}

async function hashOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return hexOf(new Uint8Array(digest, 0, 12))
}
