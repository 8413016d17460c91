import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FakeUpstream, startFakeUpstream, status } from '../fakes'
import { type Collector, type SeenSpan, startCollector } from './collector'
import { type Gateway, startGateway, user } from './gateway'

let collector: Collector
let gateway: Gateway

beforeAll(async () => {
  collector = await startCollector()
  gateway = await startGateway(
    {},
    {
      OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/`,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-team=a%20b, authorization=Bearer t',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
    },
  )
  const prices = { input_cost: 2, output_cost: 10 }
  const model = { model_name: 'priced', provider_id: 'fake', upstream_model: 'good', ...prices }
  expect((await gateway.manage('POST', '/api/models/', model)).status).toBe(201)
})
afterAll(async () => {
  await gateway.close()
  await collector.close()
})

function newContext(flags = '01') {
  const [traceId, spanId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')]
  return { traceId, spanId, traceparent: `00-${traceId}-${spanId}-${flags}` }
}

function ofTrace(count: number, traceId: string): Promise<SeenSpan[]> {
  return collector.spans(count, (span) => span.traceId === traceId)
}

/** The trace headers of the upstream call that had this text in it. */
async function upstreamTrace(text: string) {
  const call = await gateway.upstream.waitFor((one) => one.bodyBytes.toString().includes(text))
  return { traceparent: call.headers.traceparent, tracestate: call.headers.tracestate }
}

describe('a trace goes on', () => {
  test('from the client over the gateway to the provider, and out to the collector', async () => {
    const { traceId, spanId, traceparent } = newContext()
    const before = Date.now()
    const { logId } = await gateway.chat(
      {
        model: 'priced',
        messages: user('trace me'),
        temperature: 0.5,
        max_tokens: 20,
        thread_identifier: 'thread-1',
        customer_identifier: 'ann',
        metadata: { feature: 'x' },
      },
      { headers: { traceparent, tracestate: 'vendor=1' } },
    )
    const [request, attempt] = await ofTrace(2, traceId)
    expect(request).toMatchObject({
      spanId: logId.slice(16),
      parentSpanId: spanId,
      traceState: 'vendor=1',
      name: 'chat priced',
      kind: 2,
      status: { code: 0 },
    })
    expect(attempt).toMatchObject({ parentSpanId: logId.slice(16), kind: 3, name: 'attempt fake/good' })
    expect(await upstreamTrace('trace me')).toEqual({
      traceparent: `00-${traceId}-${attempt?.spanId}-01`,
      tracestate: 'vendor=1',
    })
    const log = await gateway.logOf(logId)
    expect(log).toMatchObject({
      trace_unique_id: traceId,
      span_unique_id: logId.slice(16),
      span_parent_id: spanId,
    })
    expect(request?.startMs).toBeGreaterThanOrEqual(before)
    expect(request?.startMs).toBe(Date.parse(String(log.start_time)))
    expect(request?.endMs).toBe(Date.parse(String(log.timestamp)))
    expect(request?.attributes).toMatchObject({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'fake',
      'gen_ai.request.model': 'priced',
      'gen_ai.request.stream': false,
      'gen_ai.request.temperature': 0.5,
      'gen_ai.request.max_tokens': 20,
      'gen_ai.response.model': 'good',
      'gen_ai.response.id': log.response_id,
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.usage.input_tokens': log.prompt_tokens,
      'gen_ai.usage.output_tokens': log.completion_tokens,
      'gen_ai.usage.cost': log.cost,
      'gen_ai.conversation.id': 'thread-1',
      'http.response.status_code': 200,
      'user.id': 'ann',
      'sluice.log.id': logId,
      'sluice.metadata.feature': 'x',
    })
    // The tokens are told once, and no text unless it is wanted.
    expect(Object.keys(attempt?.attributes ?? {}).filter((key) => key.includes('usage'))).toEqual([])
    expect(JSON.stringify(collector.exports)).not.toContain('trace me')
  })

  test('in a stream, and in another protocol', async () => {
    const streamed = newContext()
    await gateway.chat(
      { model: 'fake/good', messages: user('streamed trace'), stream: true },
      { headers: { traceparent: streamed.traceparent } },
    )
    const spans = await ofTrace(2, streamed.traceId)
    expect(spans[0]?.attributes).toMatchObject({ 'gen_ai.request.stream': true })
    expect(spans[0]?.attributes['gen_ai.response.time_to_first_chunk']).toEqual(expect.any(Number))
    expect((await upstreamTrace('streamed trace')).traceparent).toContain(streamed.traceId)

    const other = newContext()
    await gateway.fetch('/v1/messages', {
      method: 'POST',
      headers: { traceparent: other.traceparent },
      body: JSON.stringify({ model: 'fake/good', max_tokens: 9, messages: user('other protocol') }),
    })
    expect((await upstreamTrace('other protocol')).traceparent).toContain(other.traceId)
    expect(await ofTrace(2, other.traceId)).toHaveLength(2)
  })

  test('with each attempt as a span of its own', async () => {
    const { traceId, traceparent } = newContext()
    gateway.upstream.script('breaks', status(503))
    const { logId } = await gateway.chat(
      { model: 'fake/breaks', fallback_models: ['fake/good'], messages: user('two attempts') },
      { headers: { traceparent } },
    )
    const [request, first, second] = await ofTrace(3, traceId)
    expect([first, second]).toMatchObject([
      {
        name: 'attempt fake/breaks',
        parentSpanId: request?.spanId,
        status: { code: 2 },
        attributes: {
          'error.type': 'upstream_status',
          'http.response.status_code': 503,
          'sluice.attempt.index': 0,
        },
      },
      {
        name: 'attempt fake/good',
        parentSpanId: request?.spanId,
        status: { code: 0 },
        attributes: { 'sluice.attempt.reason': 'fallback:request', 'sluice.attempt.index': 1 },
      },
    ])
    expect(request?.attributes).toMatchObject({ 'sluice.attempts': 2, 'sluice.log.id': logId })
    const calls = gateway.upstream.calls.filter((call) => call.bodyBytes.toString().includes('two attempts'))
    expect(calls.map(({ headers }) => headers.traceparent)).toEqual([
      `00-${traceId}-${first?.spanId}-01`,
      `00-${traceId}-${second?.spanId}-01`,
    ])
  })

  test('and an error is one there', async () => {
    const { traceId, traceparent } = newContext()
    await gateway.chat({ model: 'nobody/knows', messages: user('x') }, { headers: { traceparent } })
    const [request] = await ofTrace(1, traceId)
    expect(request).toMatchObject({
      status: { code: 2, message: expect.stringContaining('nobody/knows') },
      attributes: { 'error.type': 'model_not_found', 'http.response.status_code': 404, 'sluice.attempts': 0 },
    })
  })

  test('a caller that does not record it gets no spans, but its log', async () => {
    const { traceId, traceparent } = newContext('00')
    const { logId } = await gateway.chat(
      { model: 'fake/good', messages: user('not sampled') },
      { headers: { traceparent } },
    )
    expect(await gateway.logOf(logId)).toMatchObject({ trace_unique_id: traceId })
    expect((await upstreamTrace('not sampled')).traceparent).toMatch(/-00$/)
    const after = newContext()
    await gateway.chat(
      { model: 'fake/good', messages: user('y') },
      { headers: { traceparent: after.traceparent } },
    )
    await ofTrace(2, after.traceId)
    expect(JSON.stringify(collector.exports)).not.toContain(logId)
  })
})

test('without a trace of the client’s a request begins its own, and the provider is told nothing', async () => {
  const { logId } = await gateway.chat({ model: 'fake/good', messages: user('alone') })
  const [request] = await ofTrace(2, logId)
  expect(request).toMatchObject({ traceId: logId, spanId: logId.slice(16), parentSpanId: '' })
  expect(await upstreamTrace('alone')).toEqual({ traceparent: undefined, tracestate: undefined })
  expect(await gateway.logOf(logId)).toMatchObject({ trace_unique_id: null })
})

test('the gateway’s tracing parameters are kept, and nothing of them is ignored', async () => {
  const given = {
    ...{
      trace_unique_id: 'my-trace',
      trace_name: 'n',
      trace_group_identifier: 'tg',
      session_identifier: 's',
    },
    ...{ span_unique_id: 'sp', span_name: 'step', span_parent_id: 'pa', span_path: 'a.b' },
    span_workflow_name: 'w',
  }
  const reply = await gateway.chat({ model: 'fake/good', messages: user('named'), ...given })
  expect(reply.headers.get('x-sluice-dropped')).toBeNull()
  expect(await gateway.logOf(reply.logId)).toMatchObject(given)
  const [request] = await collector.spans(1, (span) => span.name === 'step')
  // Names that are no ids of OpenTelemetry's become some, always the same.
  expect(request?.traceId).toMatch(/^[0-9a-f]{32}$/)
  expect(request?.attributes).toMatchObject({
    'sluice.trace_group_identifier': 'tg',
    'gen_ai.workflow.name': 'w',
  })
})

test('what is sent is OTLP of one version of the conventions, with the headers that were set', async () => {
  const [first] = collector.exports
  expect(first).toMatchObject({
    path: '/v1/traces',
    headers: { 'x-team': 'a b', authorization: 'Bearer t', 'content-type': 'application/x-protobuf' },
    request: {
      resourceSpans: [
        {
          schemaUrl: 'https://opentelemetry.io/schemas/1.41.1',
          resource: {
            attributes: [
              { key: 'service.name', value: { stringValue: 'sluice' } },
              { key: 'deployment.environment.name', value: { stringValue: 'test' } },
            ],
          },
        },
      ],
    },
  })
})

describe('a collector that does not take it', () => {
  test('at first gets it again, while the log is there at once', async () => {
    const { traceId, traceparent } = newContext()
    collector.answers.push({ status: 503, headers: { 'retry-after': '2' } }, { status: 429 })
    const { logId } = await gateway.chat(
      { model: 'fake/good', messages: user('z') },
      { headers: { traceparent } },
    )
    expect(await gateway.logOf(logId)).toMatchObject({ ending: 'completed' })
    expect(await ofTrace(2, traceId)).toHaveLength(2)
    expect(collector.answers).toEqual([])
  })

  test('for good leaves it as a dead letter', async () => {
    collector.answers.push({ status: 400 })
    const { logId } = await gateway.chat({ model: 'fake/good', messages: user('refused') })
    await gateway.logOf(logId)
    await expect
      .poll(
        async () => {
          const sql = "select object_key from dead_letters where reason like '%status 400%'"
          const key = await gateway.env.LOGS.prepare(sql).first<string>('object_key')
          return key === null ? '' : ((await (await gateway.env.BODIES.get(key))?.text()) ?? '')
        },
        { timeout: 15_000 },
      )
      .toContain(logId)
  })
})

describe('with the variables of another kind', () => {
  let second: Gateway
  let receiver: Collector
  let provider: FakeUpstream
  beforeAll(async () => {
    receiver = await startCollector()
    provider = await startFakeUpstream()
    second = await startGateway(
      {
        OTEL_PROPAGATORS: 'tracecontext,baggage',
        OPENAI_API_KEY: 'sk-of-the-gateway',
        OPENAI_BASE_URL: provider.origin,
      },
      {
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${receiver.url}/own/path`,
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
        OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
        OTEL_SERVICE_NAME: 'my-gateway',
        OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: 'true',
      },
    )
  })
  afterAll(async () => {
    await second.close()
    await receiver.close()
    await provider.close()
  })

  test('what is only passed through goes on as well', async () => {
    const { traceId, traceparent } = newContext()
    const response = await second.fetch('/api/openai/v1/vector_stores', { headers: { traceparent } })
    await response.body?.cancel()
    const call = await provider.waitFor(({ path }) => path.includes('vector_stores'))
    const spans = await receiver.spans(2, (span) => span.traceId === traceId)
    expect(call.headers.traceparent).toBe(`00-${traceId}-${spans[1]?.spanId}-01`)
  })

  test('JSON, compressed, with the messages, and every provider is told of the trace', async () => {
    const { logId } = await second.chat({ model: 'fake/good', messages: user('show this') })
    const [request, attempt] = await receiver.spans(2, ({ traceId }) => traceId === logId)
    const call = await second.upstream.waitFor((one) => one.bodyBytes.toString().includes('show this'))
    expect(call.headers.traceparent).toBe(`00-${logId}-${attempt?.spanId}-01`)
    expect(receiver.exports[0]).toMatchObject({
      path: '/own/path',
      headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
    })
    expect(JSON.parse(String(request?.attributes['gen_ai.input.messages']))).toEqual([
      { role: 'user', parts: [{ type: 'text', content: 'show this' }] },
    ])
    expect(JSON.parse(String(request?.attributes['gen_ai.output.messages']))).toMatchObject([
      { role: 'assistant', parts: [{ type: 'text' }], finish_reason: 'stop' },
    ])
  })
})
