import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { awayDatabase, measuredDatabase } from './away'
import { bucketWith, deliver, inline, logRecord, rowsOf } from './log-records'

const USAGE = {
  inputTokens: 1_000,
  cacheReadTokens: 10,
  cacheWrite5mTokens: 20,
  cacheWrite1hTokens: 30,
  outputTokens: 100,
  reasoningTokens: 40,
  audioInputTokens: 5,
  audioOutputTokens: 6,
}

describe('a record becomes one row', () => {
  test('with everything that it says', async () => {
    const attempt = {
      providerId: 'acme',
      model: 'large',
      upstreamModel: 'large-2',
      credentialKind: 'stored' as const,
      startedAtMs: 1,
      latencyMs: 5,
      statusCode: 500,
      errorCode: 'upstream_status',
      errorMessage: 'it’s "down"',
    }
    const record = logRecord('whole', {
      environment: 'test',
      userAgent: 'OpenAI/JS',
      stream: true,
      model: 'large',
      upstreamModel: 'large-2',
      providerId: 'acme',
      credentialKind: 'stored',
      finishReason: 'stop',
      responseId: 'chatcmpl-1',
      usage: USAGE,
      usageSource: 'provider',
      prices: { inputCost: 1, outputCost: 2, cacheHitInputCost: 0.1, cacheCreationInputCost: 1.25 },
      timeToFirstTokenMs: 77,
      attempts: [attempt],
      dropped: ['cache_enabled'],
      tags: {
        customerIdentifier: 'user_123',
        customerEmail: 'u@example.com',
        customerName: 'Jürgen 漢字 😀',
        threadIdentifier: 'thread',
        customIdentifier: 'custom',
        groupIdentifier: 'group',
        metadata: { a: [1, { b: null }], "it's": '"' },
        properties: { p: true },
        note: "a 'note'",
        category: 'cat',
        positiveFeedback: false,
      },
      cache: { status: 'miss', key: 'c1', ageMs: 9 },
      limitInfo: { isAllowed: true, limits: [] },
      prompt: { id: 'p1', name: 'Greeting', version: 3, label: 'staging', variables: { v: ['1'] } },
      trace: {
        ...{ traceId: 't1', spanId: 's1', parentSpanId: 's0', traceName: 'run', traceGroupIdentifier: 'g' },
        ...{ sessionIdentifier: 'sess', spanName: 'ask', spanPath: 'a.b', workflowName: 'w' },
      },
    })
    expect(await deliver([record])).toEqual({ 'message-0': 'ack' })
    const [row] = await rowsOf('whole')
    expect(row).toEqual({
      id: 'whole',
      started_at_ms: record.startedAtMs,
      ended_at_ms: record.endedAtMs,
      environment: 'test',
      api_key_id: 'key-1',
      api_key_name: 'a key',
      method: 'POST',
      path: '/v1/chat/completions',
      protocol: null,
      user_agent: 'OpenAI/JS',
      log_type: 'chat',
      stream: 1,
      model: 'large',
      upstream_model: 'large-2',
      provider_id: 'acme',
      credential_kind: 'stored',
      replay_of: null,
      ending: 'completed',
      status_code: 200,
      error_code: null,
      error_message: null,
      finish_reason: 'stop',
      response_id: 'chatcmpl-1',
      input_tokens: 1_000,
      cache_read_tokens: 10,
      cache_write_5m_tokens: 20,
      cache_write_1h_tokens: 30,
      output_tokens: 100,
      reasoning_tokens: 40,
      audio_input_tokens: 5,
      audio_output_tokens: 6,
      usage_source: 'provider',
      cost_nano_usd: 1_000_000 + 1_000 + 62_500 + 200_000,
      price_status: 'custom_model',
      latency_ms: 1_234,
      time_to_first_token_ms: 77,
      routing_ms: 3,
      attempts: JSON.stringify([attempt]),
      bodies: expect.stringContaining('"packed"'),
      dropped: '["cache_enabled"]',
      customer_identifier: 'user_123',
      customer_email: 'u@example.com',
      customer_name: 'Jürgen 漢字 😀',
      thread_identifier: 'thread',
      custom_identifier: 'custom',
      group_identifier: 'group',
      metadata: JSON.stringify(record.tags.metadata),
      properties: '{"p":true}',
      note: "a 'note'",
      category: 'cat',
      positive_feedback: 0,
      log_method: null,
      ...{ is_pinned: null, temperature: null, max_tokens: null },
      ...{ cache_status: 'miss', cache_key: 'c1', cache_age_ms: 9, saved_nano_usd: null },
      limit_info: '{"isAllowed":true,"limits":[]}',
      ...{ prompt_id: 'p1', prompt_name: 'Greeting', prompt_version: 3, prompt_label: 'staging' },
      prompt_variables: '{"v":["1"]}',
      ...{ trace_id: 't1', span_id: 's1', parent_span_id: 's0', trace_name: 'run' },
      ...{ trace_group_identifier: 'g', session_identifier: 'sess', span_name: 'ask' },
      ...{ span_path: 'a.b', workflow_name: 'w' },
    })
  })

  test('with little when there is little to say', async () => {
    const refused = logRecord('refused', {
      apiKeyId: undefined,
      apiKeyName: undefined,
      model: undefined,
      upstreamModel: undefined,
      providerId: undefined,
      credentialKind: undefined,
      ending: 'failed',
      statusCode: 401,
      errorCode: 'invalid_api_key',
      errorMessage: 'no',
      requestBody: undefined,
      responseBody: undefined,
    })
    await deliver([refused])
    expect(await rowsOf('refused')).toEqual([
      expect.objectContaining({
        api_key_id: null,
        model: null,
        ending: 'failed',
        status_code: 401,
        error_code: 'invalid_api_key',
        input_tokens: null,
        usage_source: null,
        cost_nano_usd: null,
        price_status: 'no_usage',
        bodies: '{}',
        metadata: null,
        positive_feedback: null,
      }),
    ])
  })

  test('priced by the list when the provider has one', async () => {
    const usage = {
      ...USAGE,
      cacheReadTokens: 0,
      cacheWrite5mTokens: 0,
      cacheWrite1hTokens: 0,
      audioInputTokens: 0,
      audioOutputTokens: 0,
    }
    await deliver([logRecord('listed', { usage, pricesAs: 'openai', upstreamModel: 'gpt-4o' })])
    expect(await rowsOf('listed')).toMatchObject([
      { cost_nano_usd: 2_500_000 + 1_000_000, price_status: 'price_list' },
    ])
  })

  test('each of a hundred, also when they are large', async () => {
    const metadata = { text: '漢"\\'.repeat(4_000) }
    const records = Array.from({ length: 100 }, (_, index) =>
      logRecord(`many-${index}`, { tags: { metadata } }),
    )
    const sizes: number[] = []
    const LOGS = measuredDatabase(env.LOGS, (bytes) => sizes.push(bytes))
    const fates = await deliver(records, { env: { LOGS, BODIES: env.BODIES } })
    expect(Object.values(fates)).toEqual(records.map(() => 'ack'))
    // D1 takes 2 MB in a statement (D1, "Limits"); the local one does not mind more.
    expect(Math.max(...sizes)).toBeGreaterThan(500_000)
    expect(Math.max(...sizes)).toBeLessThan(2_000_000)
    const count = await env.LOGS.prepare("select count(*) from request_logs where id like 'many-%'").first(
      'count(*)',
    )
    expect(count).toBe(100)
    expect(await rowsOf('many-99')).toMatchObject([{ metadata: JSON.stringify(metadata) }])
  })
})

describe('a record that comes again', () => {
  test('in the same batch is written once', async () => {
    expect(await deliver([logRecord('twice'), logRecord('other'), logRecord('twice')])).toEqual({
      'message-0': 'ack',
      'message-1': 'ack',
      'message-2': 'ack',
    })
    expect(await rowsOf('twice', 'other')).toHaveLength(2)
  })

  test('later changes nothing, neither the row nor its bodies', async () => {
    await deliver([logRecord('again')])
    const before = await rowsOf('again')
    const objects = await env.BODIES.list({ prefix: 'bodies/packed/' })
    expect(await deliver([logRecord('again', { note: 'other' } as object), logRecord('new')])).toEqual({
      'message-0': 'ack',
      'message-1': 'ack',
    })
    expect(await rowsOf('again')).toEqual(before)
    const after = await env.BODIES.list({ prefix: 'bodies/packed/' })
    expect(after.objects.length).toBe(objects.objects.length + 1)
  })

  test('does not undo what was edited since', async () => {
    await deliver([logRecord('edited')])
    await env.LOGS.prepare(
      "update request_logs set note = 'checked', positive_feedback = 1 where id = 'edited'",
    ).run()
    await deliver([logRecord('edited')])
    expect(await rowsOf('edited')).toMatchObject([{ note: 'checked', positive_feedback: 1 }])
  })

  test('in two batches at the same time is written once', async () => {
    const records = [logRecord('race-1'), logRecord('race-2')]
    const fates = await Promise.all([deliver(records), deliver(records.toReversed()), deliver(records)])
    for (const fate of fates) expect(fate).toEqual({ 'message-0': 'ack', 'message-1': 'ack' })
    expect(await rowsOf('race-1', 'race-2')).toHaveLength(2)
  })
})

describe('when a store is away', () => {
  test.each([
    ['D1', { LOGS: awayDatabase(), BODIES: env.BODIES }],
    ['R2', { LOGS: env.LOGS, BODIES: bucketWith({ put: () => Promise.reject(new Error('R2 is away')) }) }],
  ])('%s: all messages come again, later each time, and nothing is half written', async (name, away) => {
    const records = [logRecord(`${name}-1`), logRecord(`${name}-2`)]
    for (const [attempts, delay] of [
      [1, 1],
      [2, 2],
      [3, 4],
      [4, 8],
      [9, 256],
      [10, 300],
      [50, 300],
    ]) {
      const fates = await deliver(records, { env: away, attempts: attempts ?? 1 })
      expect(fates).toEqual({ 'message-0': `retry ${delay}`, 'message-1': `retry ${delay}` })
    }
    expect(await rowsOf(`${name}-1`, `${name}-2`)).toEqual([])
    expect(await deliver(records)).toEqual({ 'message-0': 'ack', 'message-1': 'ack' })
    expect(await rowsOf(`${name}-1`, `${name}-2`)).toHaveLength(2)
  })

  test('records without bodies do not need R2', async () => {
    const away = {
      LOGS: env.LOGS,
      BODIES: bucketWith({ put: () => Promise.reject(new Error('R2 is away')) }),
    }
    const record = logRecord('bodiless', { requestBody: undefined, responseBody: undefined })
    expect(await deliver([record], { env: away })).toEqual({ 'message-0': 'ack' })
  })
})

test('what the gateway puts into a queue arrives as it was', async () => {
  const bytes = Uint8Array.from([0, 255, 128, 10])
  const record = logRecord('binary', { requestBody: { kind: 'inline', bytes }, responseBody: inline('') })
  expect(await deliver([structuredClone(record)])).toEqual({ 'message-0': 'ack' })
  expect(await rowsOf('binary')).toHaveLength(1)
})
