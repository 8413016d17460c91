// The OpenAI chat completions that the load asks for and the mock upstream answers with.

/** The streams: how many events, how far apart, and when the first one comes. */
export const streams = {
  'sse-burst': { events: 100, gapMs: 0, firstMs: 0 },
  'sse-paced': { events: 100, gapMs: 2, firstMs: 0 },
  'sse-first': { events: 10, gapMs: 2, firstMs: 20 },
}

/** Sizes of the answers that are not streams. */
export const replies = { 'reply-1k': 1024, 'reply-32k': 32 * 1024, 'reply-512k': 512 * 1024 }

/** Every content event's text starts with this; the empty first event does not. */
export const CONTENT_MARK = '"content":"w'
/** The last bytes of every answer that is not a stream. */
export const REPLY_END = '"system_fingerprint":"fp_bench_end"}'

const USAGE = {
  prompt_tokens: 213,
  completion_tokens: 98,
  total_tokens: 311,
  prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0, accepted_prediction_tokens: 0 },
}

const WORDS = 'The café "quotes", commas, {braces} and\nnew lines\tof ordinary text, not only letters. '

/** Text of about that many bytes once it is JSON, with the escapes and non-ASCII characters of real text. */
export function filler(bytes) {
  const once = Buffer.byteLength(JSON.stringify(WORDS)) - 2
  return WORDS.repeat(Math.max(0, Math.round(bytes / once)))
}

/** Who may answer a request that is balanced, and what is done when that fails; `provision.mjs` stores the names. */
const ROUTING = {
  load_balance_group: { group_id: 'bench-group' },
  fallback_models: ['bench-spare', 'bench-last'],
  retry_params: { num_retries: 2, retry_after: 0.5 },
}

/** The version of the prompt `bench-prompt`, for answers of 1 KB. */
export const PROMPT_VERSION = {
  messages: [
    { role: 'user', content: '@@reply-1k@@ {{ first }}' },
    { role: 'assistant', content: '@@reply-1k@@ {{ second }}' },
  ],
  ...{ model: 'bench', temperature: 0.7, max_tokens: 400, deploy: true },
}

/**
 * A chat request of about that size; the kind of answer it wants is the first thing in its last message. With
 * `routed` it names a group instead of a model, fallbacks and retries, and is no larger for it; with `cached` it wants
 * the response cache; with `prompted` it names a stored prompt that makes the same request of its variables.
 */
export function chatRequest({ kind, requestBytes, stream, usage, modelLast, routed, cached, prompted }) {
  const count = requestBytes > 64 * 1024 ? 16 : 2
  const more = routed ? JSON.stringify(ROUTING).length : 0
  const part = (requestBytes - 200 - count * 35 - more) / count
  const messages = Array.from({ length: count }, (_, i) => ({
    role: i % 2 === 0 ? 'user' : 'assistant',
    content: `@@${kind}@@ ${filler(part - 15)}`,
  }))
  if (prompted) {
    const [first, second] = messages.map(({ content }) => content.replace(`@@${kind}@@ `, ''))
    const variables = { first, second }
    return Buffer.from(JSON.stringify({ prompt: { prompt_id: 'bench-prompt', variables, echo: false } }))
  }
  const options = { temperature: 0.7, max_tokens: 400 }
  if (stream) options.stream = true
  if (cached) options.cache_enabled = true
  if (usage) options.stream_options = { include_usage: true }
  if (routed) return Buffer.from(JSON.stringify({ ...ROUTING, messages, ...options }))
  const request = modelLast
    ? { messages, ...options, model: 'bench' }
    : { model: 'bench', messages, ...options }
  return Buffer.from(JSON.stringify(request))
}

/** The answer of that kind, as OpenAI writes it. */
export function chatReply(kind) {
  const reply = {
    id: 'chatcmpl-BenchBenchBenchBenchBenchBe',
    object: 'chat.completion',
    created: 1790000000,
    model: 'bench-upstream-2026-01-01',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: filler(replies[kind] - 640), refusal: null, annotations: [] },
        logprobs: null,
        finish_reason: 'stop',
      },
    ],
    usage: USAGE,
    service_tier: 'default',
    system_fingerprint: 'fp_bench_end',
  }
  return Buffer.from(JSON.stringify(reply))
}

/** The events of a stream of that kind, `[DONE]` included; with `usage` as when include_usage was asked. */
export function chatEvents(kind, usage) {
  const { events } = streams[kind]
  const deltas = [{ role: 'assistant', content: '', refusal: null }]
  for (let i = 1; i < events - 1; i++) deltas.push({ content: `word${i} ` })
  const choices = deltas.map((delta) => [{ index: 0, delta, logprobs: null, finish_reason: null }])
  choices.push([{ index: 0, delta: {}, logprobs: null, finish_reason: 'stop' }])
  const chunks = choices.map((choice) => ({
    ...eventBase,
    choices: choice,
    ...(usage ? { usage: null } : {}),
  }))
  if (usage) chunks.push({ ...eventBase, choices: [], usage: USAGE })
  return [...chunks.map((chunk) => JSON.stringify(chunk)), '[DONE]'].map((data) =>
    Buffer.from(`data: ${data}\n\n`),
  )
}

const eventBase = {
  id: 'chatcmpl-BenchBenchBenchBenchBenchBe',
  object: 'chat.completion.chunk',
  created: 1790000000,
  model: 'bench-upstream-2026-01-01',
  service_tier: 'default',
  system_fingerprint: 'fp_44709d6fcb',
}
