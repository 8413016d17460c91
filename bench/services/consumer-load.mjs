// A worker around the real consumer: each request hands it one batch of a hundred records, and is told what D1 did.
import consumer from '../../src/consumer/index.ts'

export default {
  async fetch(request, env) {
    const batch = Number(new URL(request.url).searchParams.get('batch'))
    const work = { calls: 0, statements: 0, rowsWritten: 0, acknowledged: 0 }
    const messages = Array.from({ length: 100 }, (_, index) => ({
      id: `${batch}-${index}`,
      attempts: 1,
      timestamp: new Date(),
      body: record(batch * 100 + index),
      ack: () => work.acknowledged++,
      retry: () => undefined,
    }))
    await consumer.queue({ queue: 'sluice-logs', messages }, { ...env, LOGS: counted(env.LOGS, work) })
    return Response.json(work)
  },
}

function counted(database, work) {
  return new Proxy(database, {
    get(target, name) {
      const value = Reflect.get(target, name)
      if (name !== 'batch') return typeof value === 'function' ? value.bind(target) : value
      return async (statements) => {
        work.calls++
        work.statements += statements.length
        const results = await target.batch(statements)
        for (const { meta } of results) work.rowsWritten += meta.rows_written
        return results
      }
    },
  })
}

const encoder = new TextEncoder()
const WORDS =
  'the invoice of last month was paid twice please look into it and tell us what to do next'.split(' ')

// A conversation of about 2 KB and an answer of about 1 KB, one of fifty end users, a thread and two keys of metadata.
function record(number) {
  const startedAtMs = Date.now() - 2_000
  const text = (count) =>
    Array.from({ length: count }, (_, at) => WORDS[(number * 7 + at * 5) % WORDS.length]).join(' ')
  const body = (value) => ({ kind: 'inline', bytes: encoder.encode(JSON.stringify(value)) })
  return {
    ...{ version: 1, id: crypto.randomUUID(), startedAtMs, endedAtMs: startedAtMs + 1_200 + (number % 700) },
    ...{ environment: 'prod', apiKeyId: `key-${number % 5}`, apiKeyName: 'a key', method: 'POST' },
    ...{
      path: '/v1/chat/completions',
      userAgent: 'OpenAI/JS 6.49.0',
      logType: 'chat',
      stream: number % 2 === 0,
    },
    ...{
      model: `demo/model-${number % 4}`,
      upstreamModel: 'model',
      providerId: 'demo',
      credentialKind: 'stored',
    },
    ...{
      ending: 'completed',
      statusCode: 200,
      routingMs: 2,
      timeToFirstTokenMs: 300,
      attempts: [],
      dropped: [],
    },
    usage: {
      ...{
        inputTokens: 480,
        cacheReadTokens: 0,
        cacheWrite5mTokens: 0,
        cacheWrite1hTokens: 0,
        outputTokens: 210,
      },
      ...{ reasoningTokens: 0, audioInputTokens: 0, audioOutputTokens: 0 },
    },
    usageSource: 'provider',
    prices: { inputCost: 1, outputCost: 2, cacheHitInputCost: 0.5, cacheCreationInputCost: 1.25 },
    tags: {
      customerIdentifier: `user-${number % 50}`,
      threadIdentifier: `thread-${Math.floor(number / 4)}`,
      metadata: { feature: `feature-${number % 6}`, release: '2026.11' },
    },
    requestBody: body({ model: 'demo', messages: [{ role: 'user', content: text(400) }] }),
    responseBody: body({ choices: [{ message: { role: 'assistant', content: text(200) } }] }),
  }
}
