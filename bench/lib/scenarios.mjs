import { CONTENT_MARK, chatEvents, chatReply, chatRequest } from './chat.mjs'
import { MESSAGES_MARK, messagesRequest } from './messages.mjs'

const KB = 1024

/**
 * What is measured. `limit.ratio` is CPU per request against the floor, `limit.firstMs` is what the first
 * content may come later than the floor's, `limit.plain` is CPU against the gateway's own for the same load without
 * what the scenario is about; `extra` scenarios run only when they are named with --only. In a `translated` one the
 * gateway's client speaks another protocol than the upstream, which no floor can do; in a `routed` one it asks for a
 * balanced group, fallbacks and retries; in a `prompted` one it names a stored prompt; in a `limited` one its API key has limits on requests, tokens and cost. In
 * a `cached` one its answers come from the response cache, out of memory or out of KV; beside it are a plain worker
 * that returns the same bytes from KV, and the gateway when it has to ask the provider and keep the answer.
 */
export const scenarios = [
  json('json-1k', 'JSON 1 KB', 'reply-1k', KB, 2400, { limit: { ratio: 1.6 } }),
  json('json-1k-routed', 'JSON 1 KB, with a balanced group, fallbacks and retries', 'reply-1k', KB, 2400, {
    routed: true,
    limit: { plain: 1.1 },
  }),
  json(
    'json-1k-limited',
    'JSON 1 KB, one API key with limits on requests, tokens and cost',
    'reply-1k',
    KB,
    2400,
    {
      limited: true,
      limit: { plain: 1.5 },
    },
  ),
  json('json-1k-prompt', 'JSON 1 KB, made from a stored prompt', 'reply-1k', KB, 2400, {
    prompted: true,
    limit: { plain: 1.3 },
  }),
  json('json-32k', 'JSON 32 KB', 'reply-32k', 32 * KB, 800),
  json('json-512k', 'JSON 512 KB request, 1 KB reply', 'reply-1k', 512 * KB, 640, { limit: { ratio: 2 } }),
  json('json-512k-both', 'JSON 512 KB request, 512 KB reply', 'reply-512k', 512 * KB, 160),
  sse('sse-burst', 'SSE 100 events, burst', 'sse-burst', 400, { limit: { ratio: 1.6 } }),
  sse('sse-burst-usage', 'SSE 100 events, burst, client asks for usage', 'sse-burst', 400, {
    usage: true,
    limit: { ratio: 1.6 },
  }),
  sse('sse-paced', 'SSE 100 events, one per 2 ms', 'sse-paced', 192, { limit: { ratio: 1.6 } }),
  sse('sse-paced-usage', 'SSE 100 events, one per 2 ms, client asks for usage', 'sse-paced', 192, {
    usage: true,
    limit: { ratio: 1.6 },
  }),
  sse('translated-burst', 'SSE 100 events, burst, translated for a Messages client', 'sse-burst', 400, {
    usage: true,
    translated: true,
    limit: { ratio: 4 },
  }),
  sse(
    'translated-paced',
    'SSE 100 events, one per 2 ms, translated for a Messages client',
    'sse-paced',
    192,
    {
      usage: true,
      translated: true,
      limit: { ratio: 2.5 },
    },
  ),
  sse('ttft', 'Time to first token, upstream answers after 20 ms', 'sse-first', 60, {
    connections: 1,
    limit: { firstMs: 1 },
  }),
  json('cached-1k', 'JSON 1 KB from the response cache, in memory', 'reply-1k', KB, 2400, {
    cached: 'memory',
    limit: { plain: 2 },
  }),
  json('cached-1k-kv', 'JSON 1 KB from the response cache, in KV', 'reply-1k', KB, 400, {
    cached: 'kv',
    limit: { plain: 3 },
  }),
  json(
    'cached-512k',
    'JSON 1 KB request, 512 KB reply from the response cache, in memory',
    'reply-512k',
    KB,
    160,
    {
      cached: 'memory',
      extra: true,
    },
  ),
  json('json-1k-alone', 'JSON 1 KB, one at a time', 'reply-1k', KB, 600, { connections: 1, extra: true }),
  json('json-1k-limited-alone', 'JSON 1 KB, one at a time, with limits', 'reply-1k', KB, 600, {
    connections: 1,
    limited: true,
    extra: true,
  }),
  json('json-512k-model-last', 'JSON 512 KB request with the model at its end', 'reply-1k', 512 * KB, 160, {
    modelLast: true,
    extra: true,
  }),
]

function json(name, title, kind, requestBytes, requests, more) {
  return { name, title, kind, requestBytes, requests, connections: 16, stream: false, ...more }
}

function sse(name, title, kind, requests, more) {
  return { name, title, kind, requestBytes: KB, requests, connections: 16, stream: true, ...more }
}

/**
 * The targets of a scenario: a routed, prompted or limited one has the gateway twice, once for the same requests without that, a
 * limited one once more without leases, and a cached one once for answers that are not there yet. The other targets with a `role` are for these alone.
 */
export function targetsOf(scenario, all) {
  const targets = all.filter(({ role }) => role === undefined)
  if (scenario.cached) return cachedTargets(scenario, all, targets)
  if (!scenario.routed && !scenario.limited && !scenario.prompted) return targets
  const asking = scenario.limited ? all.filter(({ role }) => role === 'asking') : []
  return targets.flatMap((target) =>
    target.rewritten ? [{ ...target, name: 'plain', plain: true }, ...asking, target] : [target],
  )
}

function cachedTargets({ cached }, all, targets) {
  const [plain, forgetful] = ['kept', 'forgetful'].map((role) => all.find((target) => target.role === role))
  return targets.flatMap((target) => {
    if (!target.rewritten) return [target]
    const gateway = { ...(cached === 'kv' ? forgetful : target), name: 'gateway' }
    return [
      { ...plain, name: 'plain', hits: true },
      { ...gateway, name: 'miss', refreshes: true },
      { ...gateway, hits: true },
    ]
  })
}

/** The bytes of one request of a scenario. */
export function payloadOf(scenario, { apiKey, limitedKey = apiKey, rewritten, plain, refreshes }) {
  const isMessages = scenario.translated === true && rewritten === true
  const routed = scenario.routed === true && rewritten === true && plain !== true
  const prompted = scenario.prompted === true && rewritten === true && plain !== true
  const cached = scenario.cached !== undefined && rewritten === true
  const body = isMessages ? messagesRequest(scenario) : chatRequest({ ...scenario, routed, cached, prompted })
  const head = [
    `POST /v1/${isMessages ? 'messages' : 'chat/completions'} HTTP/1.1`,
    'host: 127.0.0.1',
    `authorization: Bearer ${scenario.limited && !plain ? limitedKey : apiKey}`,
    'content-type: application/json',
    'accept: application/json',
    'user-agent: OpenAI/JS 6.49.0',
    ...(refreshes ? ['cache-control: no-cache'] : []),
    `content-length: ${body.length}`,
  ]
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body])
}

/** What a right answer to it looks like, whichever way it came. */
export function expectationOf(scenario, { rewritten }) {
  if (!scenario.stream) return { bytes: chatReply(scenario.kind).length }
  const events = chatEvents(scenario.kind, scenario.usage)
  const words = events.filter((event) => event.includes('"content":"word'))
  const lastWord = /word\d+/.exec(words.at(-1).toString())[0]
  if (scenario.translated && rewritten) {
    const end = 'event: message_stop\ndata: {"type":"message_stop"}\n\n'
    return { counted: '"text":"word', count: words.length, lastWord, end, mark: MESSAGES_MARK }
  }
  return { counted: 'data: ', count: events.length, lastWord, end: 'data: [DONE]\n\n', mark: CONTENT_MARK }
}
