import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BasicTracerProvider, SimpleSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace-base'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decodeProtobuf, encodeProtobuf } from '../../src/logs/otlp/protobuf'
import { type Gateway, startGateway, user } from './gateway'

let gateway: Gateway

beforeAll(async () => {
  gateway = await startGateway()
})
afterAll(() => gateway.close())

const hex = (bytes: number) => randomBytes(bytes).toString('hex')
const nowNanos = (plusMs = 0) => String(BigInt(Date.now() - 5_000 + plusMs) * 1_000_000n)

/** The spans of a trace, once there are so many. */
async function treeOf(traceId: string, count: number) {
  for (const until = Date.now() + 15_000; Date.now() < until; await sleep(100)) {
    const { body } = await gateway.manage('GET', `/api/traces/${traceId}/`)
    if (body.span_count === count) return body
  }
  throw new Error(`The trace ${traceId} has no ${count} spans.`)
}

function span(given: Record<string, unknown>) {
  return {
    ...{ traceId: hex(16), spanId: hex(8), name: 'a span', kind: 1 },
    ...{ startTimeUnixNano: nowNanos(), endTimeUnixNano: nowNanos(250) },
    ...given,
  }
}

function attributes(values: Record<string, unknown>) {
  return Object.entries(values).map(([key, value]) => ({
    key,
    value:
      typeof value === 'number'
        ? Number.isInteger(value)
          ? { intValue: String(value) }
          : { doubleValue: value }
        : typeof value === 'boolean'
          ? { boolValue: value }
          : Array.isArray(value)
            ? { arrayValue: { values: value.map((one) => ({ stringValue: one })) } }
            : { stringValue: value },
  }))
}

function requestOf(...spans: object[]) {
  return {
    resourceSpans: [
      { resource: { attributes: attributes({ 'service.name': 'app' }) }, scopeSpans: [{ spans }] },
    ],
  }
}

async function send(body: BodyInit, headers: Record<string, string> = {}, path = '/api/v2/traces') {
  const init = { method: 'POST', headers: { authorization: `Bearer ${gateway.key}`, ...headers }, body }
  return fetch(gateway.url + path, init)
}

const sendJson = (request: object, path?: string) =>
  send(JSON.stringify(request), { 'content-type': 'application/json' }, path)

describe('the official SDK’s exporters', () => {
  test.each([
    [
      'protobuf',
      (url: string, headers: Record<string, string>): SpanExporter => new ProtobufExporter({ url, headers }),
    ],
    [
      'JSON',
      (url: string, headers: Record<string, string>): SpanExporter => new JsonExporter({ url, headers }),
    ],
  ])('send a trace as %s', async (_, exporterTo) => {
    const exporter = exporterTo(`${gateway.url}/api/v2/traces`, { authorization: `Bearer ${gateway.key}` })
    const provider = new BasicTracerProvider({
      resource: resourceFromAttributes({ 'service.name': 'my-app' }),
      spanProcessors: [new SimpleSpanProcessor(exporter)],
    })
    const tracer = provider.getTracer('test')
    const root = tracer.startSpan('answer a question', { attributes: { 'traceloop.span.kind': 'workflow' } })
    const { traceId, spanId } = root.spanContext()
    const context = trace.setSpan((await import('@opentelemetry/api')).ROOT_CONTEXT, root)
    const chat = tracer.startSpan('chat gpt-4o-mini', { kind: SpanKind.CLIENT }, context)
    chat.setAttributes({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'gpt-4o-mini',
      'gen_ai.request.temperature': 0.5,
      'gen_ai.usage.input_tokens': 1_000,
      'gen_ai.usage.output_tokens': 100,
      'gen_ai.usage.cache_read.input_tokens': 400,
      'gen_ai.response.id': 'chatcmpl-1',
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.input.messages': JSON.stringify([{ role: 'user', parts: [{ type: 'text', content: 'Why?' }] }]),
      'gen_ai.output.messages': JSON.stringify([
        {
          role: 'assistant',
          parts: [
            { type: 'text', content: 'Because.' },
            { type: 'tool_call', id: 'c1', name: 'look', arguments: { at: 'it' } },
          ],
          finish_reason: 'stop',
        },
      ]),
      'respan.customer.identifier': 'ann',
      'respan.thread.id': 'thread-9',
      'respan.metadata.feature': 'search',
      'my.own': 'kept',
    })
    const tool = tracer.startSpan(
      'look',
      { attributes: { 'gen_ai.operation.name': 'execute_tool' } },
      context,
    )
    tool.setStatus({ code: SpanStatusCode.ERROR, message: 'not there' })
    for (const one of [tool, chat, root]) one.end()
    await provider.forceFlush()
    await provider.shutdown()

    const tree = await treeOf(traceId, 3)
    expect(tree).toMatchObject({
      trace_unique_id: traceId,
      span_count: 3,
      error_count: 1,
      total_tokens: 1_100,
    })
    expect(tree.span_tree).toMatchObject([
      {
        ...{
          span_unique_id: spanId,
          span_parent_id: null,
          span_name: 'answer a question',
          log_type: 'workflow',
        },
        log_method: 'otlp',
        children: expect.arrayContaining([
          expect.objectContaining({
            span_name: 'look',
            log_type: 'tool',
            status: 'error',
            error_message: 'not there',
          }),
          expect.objectContaining({
            span_name: 'chat gpt-4o-mini',
            log_type: 'chat',
            model: 'gpt-4o-mini',
            provider_id: 'openai',
            prompt_tokens: 1_000,
            completion_tokens: 100,
            finish_reason: 'stop',
            response_id: 'chatcmpl-1',
            customer_identifier: 'ann',
            thread_identifier: 'thread-9',
            metadata: { feature: 'search' },
            price_status: 'price_list',
          }),
        ]),
      },
    ])
    const [{ children = [] } = {}] = tree.span_tree as { children: { id: string; span_name: string }[] }[]
    const id = children.find(({ span_name }) => span_name === 'chat gpt-4o-mini')?.id ?? ''
    expect(await gateway.logOf(id)).toMatchObject({
      prompt_messages: [{ role: 'user', content: 'Why?' }],
      completion_message: {
        role: 'assistant',
        content: 'Because.',
        tool_calls: [{ id: 'c1', function: { name: 'look', arguments: '{"at":"it"}' } }],
      },
      temperature: 0.5,
      otel: { attributes: { 'my.own': 'kept' }, resource: { 'service.name': 'my-app' } },
    })
  })
})

describe('what instrumentations send', () => {
  test.each([
    [
      'numbered messages of older conventions',
      {
        'gen_ai.system': 'az.ai.openai',
        'llm.request.type': 'chat',
        'gen_ai.prompt.0.role': 'system',
        'gen_ai.prompt.0.content': 'Be kind.',
        'gen_ai.prompt.1.role': 'user',
        'gen_ai.prompt.1.content': 'Hi',
        'gen_ai.completion.0.role': 'assistant',
        'gen_ai.completion.0.content': 'Hello',
        'gen_ai.usage.prompt_tokens': 5,
        'gen_ai.usage.completion_tokens': 2,
      },
      {
        provider_id: 'azure',
        prompt_messages: [
          { role: 'system', content: 'Be kind.' },
          { role: 'user', content: 'Hi' },
        ],
        completion_message: { role: 'assistant', content: 'Hello' },
        prompt_tokens: 5,
        completion_tokens: 2,
      },
    ],
    [
      'inputs and outputs of a step',
      {
        'traceloop.span.kind': 'task',
        'traceloop.entity.input': '{"a":1}',
        'traceloop.entity.output': 'done',
      },
      { log_type: 'task', input: '{"a":1}', output: 'done' },
    ],
    [
      'a cost, a time to the first token and a session',
      {
        'gen_ai.request.model': 'm',
        'gen_ai.usage.cost': 0.25,
        'gen_ai.response.time_to_first_chunk': 0.5,
        'session.id': 's',
      },
      { cost: 0.25, price_status: 'given', time_to_first_token: 0.5, session_identifier: 's', latency: 0.25 },
    ],
    [
      'anything else',
      { 'db.system': 'sqlite' },
      { log_type: 'custom', otel: { attributes: { 'db.system': 'sqlite' } } },
    ],
  ])('%s', async (_, values, expected) => {
    const one = span({ attributes: attributes(values) })
    const response = await sendJson(requestOf(one))
    expect({ status: response.status, body: await response.json() }).toEqual({ status: 200, body: {} })
    const { span_tree } = await treeOf(one.traceId, 1)
    const [{ id = '' } = {}] = span_tree as { id: string }[]
    expect(await gateway.logOf(id)).toMatchObject(expected)
  })

  test('compressed, at the usual path, and twice without becoming two', async () => {
    const one = span({ name: 'compressed' })
    for (const path of ['/v1/traces', '/api/v1/traces', '/api/v2/traces/']) {
      const response = await send(
        gzipSync(JSON.stringify(requestOf(one))),
        { 'content-type': 'application/json', 'content-encoding': 'gzip' },
        path,
      )
      expect(response.status).toBe(200)
    }
    const other = span({ traceId: one.traceId, parentSpanId: one.spanId })
    await sendJson(requestOf(other))
    expect(await treeOf(one.traceId, 2)).toMatchObject({
      span_tree: [{ children: [{ span_unique_id: other.spanId }] }],
    })
  })
})

describe('what cannot be kept', () => {
  test('is told as a partial success, and the rest is kept', async () => {
    const good = span({})
    const request = requestOf(good, span({ traceId: '0'.repeat(32) }), span({ spanId: 'short' }))
    const response = await sendJson(request)
    expect({ status: response.status, body: await response.json() }).toEqual({
      status: 200,
      body: { partialSuccess: { rejectedSpans: '2', errorMessage: expect.stringContaining('traceId') } },
    })
    await treeOf(good.traceId, 1)
    const headers = { 'content-type': 'application/x-protobuf' }
    const bytes = new Uint8Array(
      encodeProtobuf(requestOf(span({ spanId: 'abcd' })), 'ExportTraceServiceRequest'),
    )
    const inProtobuf = await send(bytes, headers)
    expect(inProtobuf.headers.get('content-type')).toBe('application/x-protobuf')
    expect(
      decodeProtobuf(new Uint8Array(await inProtobuf.arrayBuffer()), 'ExportTraceServiceResponse'),
    ).toMatchObject({
      partialSuccess: { rejectedSpans: '1', errorMessage: expect.stringContaining('spanId') },
    })
  })

  test('is refused in the form that it came in', async () => {
    const json = await send('{"resourceSpans":', { 'content-type': 'application/json' })
    expect({ status: json.status, body: await json.json() }).toMatchObject({ status: 400, body: { code: 3 } })
    const protobuf = await send(Uint8Array.from([0x0a, 0xff]), { 'content-type': 'application/x-protobuf' })
    expect(protobuf.status).toBe(400)
    expect(decodeProtobuf(new Uint8Array(await protobuf.arrayBuffer()), 'RpcStatus')).toMatchObject({
      code: 3,
    })
    expect((await send('x', { 'content-type': 'application/json', 'content-encoding': 'br' })).status).toBe(
      400,
    )
  })
})

test('a list of spans in the fields of a log', async () => {
  const [traceId, root] = [`trace-${hex(4)}`, hex(4)]
  const spans = [
    {
      trace_unique_id: traceId,
      span_unique_id: root,
      span_name: 'root',
      log_type: 'agent',
      start_time: new Date().toISOString(),
      latency: 2,
    },
    {
      trace_unique_id: traceId,
      span_unique_id: hex(4),
      span_parent_id: root,
      span_name: 'child',
      model: 'm',
      input: 'in',
      output: 'out',
      cost: 0.5,
      start_time: new Date().toISOString(),
    },
  ]
  for (const path of ['/api/v1/traces/ingest', '/api/traces/ingest/']) {
    const response = await sendJson(spans, path)
    expect({ status: response.status, body: await response.json() }).toEqual({
      status: 201,
      body: { success: true, ingested_count: 2 },
    })
  }
  expect(await treeOf(traceId, 2)).toMatchObject({
    total_cost: 0.5,
    span_tree: [{ span_name: 'root', children: [{ span_name: 'child' }] }],
  })
  const wrong = await sendJson([{ span_unique_id: 'a' }, { latency: 'long' }], '/api/traces/ingest/')
  expect(await wrong.json()).toEqual({
    detail: 'Validation error',
    errors: { '1.latency': ['must be a number'] },
  })
})

describe('traces of the gateway and of applications together', () => {
  const traceId = hex(16)
  const root = hex(8)
  beforeAll(async () => {
    await sendJson(
      requestOf(
        span({
          traceId,
          spanId: root,
          name: 'the application',
          attributes: attributes({ 'user.id': 'bob' }),
        }),
      ),
    )
    const headers = { traceparent: `00-${traceId}-${root}-01` }
    await gateway.chat({ model: 'demo/echo', messages: user('inside') }, { headers })
    await treeOf(traceId, 2)
  })

  test('are one tree', async () => {
    expect(await treeOf(traceId, 2)).toMatchObject({
      span_tree: [
        { span_name: 'the application', children: [{ model: 'demo/echo', log_method: 'gateway' }] },
      ],
    })
  })

  test('are listed, filtered, sorted and summed up', async () => {
    const filters = { filters: { trace_unique_id: { operator: 'in', value: [traceId] } } }
    const { body } = await gateway.manage(
      'POST',
      '/api/traces/list/?sort_by=-total_cost&page_size=5',
      filters,
    )
    expect(body).toMatchObject({
      count: 1,
      results: [
        {
          trace_unique_id: traceId,
          span_count: 2,
          root_span_name: 'the application',
          models: ['demo/echo'],
          customer_identifier: 'bob',
        },
      ],
    })
    const all = await gateway.manage('GET', '/api/traces/list/?sort_by=span_count')
    expect(Number(all.body.count)).toBeGreaterThan(3)
    expect(await gateway.manage('POST', '/clickhouse/traces/summary/', filters)).toMatchObject({
      status: 200,
      body: { number_of_traces: 1, number_of_spans: 2, total_cost: 0 },
    })
    expect(await gateway.manage('GET', '/api/traces/list/?sort_by=colour')).toMatchObject({ status: 400 })
  })

  test('are shown to another key without the spans that are not its own', async () => {
    const { body: other } = await gateway.manage('POST', '/api/api-keys/', { name: 'other' })
    const read = await gateway.manage('GET', `/api/traces/${traceId}/`, undefined, String(other.api_key))
    expect(read.status).toBe(404)
    const removed = await gateway.manage('DELETE', `/api/traces/${traceId}/`, undefined, gateway.key)
    expect(removed.status).toBe(403)
  })

  test('are deleted, one or many', async () => {
    expect((await gateway.manage('DELETE', `/api/traces/${traceId}/`)).status).toBe(204)
    expect((await gateway.manage('GET', `/api/traces/${traceId}/`)).status).toBe(404)
    expect((await gateway.manage('DELETE', `/api/traces/${traceId}/`)).status).toBe(404)
    const one = span({})
    await sendJson(requestOf(one))
    await treeOf(one.traceId, 1)
    const bulk = { trace_unique_ids: [one.traceId, 'unknown'] }
    expect(await gateway.manage('POST', '/api/traces/bulk-delete/', bulk)).toEqual({
      status: 200,
      body: { deleted_count: 1, deleted_spans: 1 },
    })
  })
})
