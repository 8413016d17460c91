import { fieldsOf, jsonOf, listOf, numberOf, textOf } from '../../protocols/fields'
import { providerOfOtelName } from '../../providers/otel-names'
import { type GivenLog, LOG_TYPES } from '../given-log'
import { completionsOf, messagesOf } from './ingest-messages'
import { firstOf, type Taken, taking } from './taken'
import { valuesOf } from './values'

/** A span as a log, and the little that a given log has no field for. */
export interface SpanLog {
  given: GivenLog
  finishReason?: string
  responseId?: string
}

/** The spans of an export that can be kept, and why others cannot. */
export interface ReadSpans {
  logs: SpanLog[]
  rejected: number
  problem?: string
}

const TRACE_ID = /^(?!0+$)[0-9a-f]{32}$/
const SPAN_ID = /^(?!0+$)[0-9a-f]{16}$/
const STATUS_ERROR = 2
const NANOS_PER_MS = 1_000_000n

/** What the conventions call an operation, and the type of its log. */
const OPERATIONS: Readonly<Record<string, GivenLog['log_type']>> = {
  chat: 'chat',
  generate_content: 'chat',
  text_completion: 'completion',
  embeddings: 'embedding',
  execute_tool: 'tool',
  invoke_agent: 'agent',
  create_agent: 'agent',
  invoke_workflow: 'workflow',
}

/** Reads an OTLP export request in its JSON form. */
export function spansIn(request: Record<string, unknown>): ReadSpans {
  const read: ReadSpans = { logs: [], rejected: 0 }
  for (const { resource, scopeSpans } of listOf(request.resourceSpans).map(fieldsOf)) {
    const ofResource = valuesOf(fieldsOf(resource).attributes)
    for (const { spans, scope } of listOf(scopeSpans).map(fieldsOf)) {
      for (const span of listOf(spans).map(fieldsOf)) {
        const problem = problemWith(span)
        if (problem === undefined) read.logs.push(logOf(span, { resource: ofResource, scope }))
        else {
          read.rejected++
          read.problem ??= problem
        }
      }
    }
  }
  return read
}

function problemWith({
  traceId,
  spanId,
  name,
  startTimeUnixNano,
}: Record<string, unknown>): string | undefined {
  const called = `the span '${String(name)}'`
  if (!TRACE_ID.test(idOf(traceId) ?? '')) return `${called} has a traceId that is not 32 hexadecimal digits`
  if (!SPAN_ID.test(idOf(spanId) ?? '')) return `${called} has a spanId that is not 16 hexadecimal digits`
  if (msOf(startTimeUnixNano) === undefined) return `${called} has no startTimeUnixNano`
  return undefined
}

function logOf(
  span: Record<string, unknown>,
  { resource, scope }: { resource: object; scope: unknown },
): SpanLog {
  const take = taking(valuesOf(span.attributes))
  const startMs = msOf(span.startTimeUnixNano) ?? 0
  const endMs = Math.max(startMs, msOf(span.endTimeUnixNano) ?? startMs)
  const parent = idOf(span.parentSpanId)
  const finishReason = textOf(listOf(take('gen_ai.response.finish_reasons'))[0])
  const responseId = textOf(take('gen_ai.response.id'))
  const events = listOf(span.events).map(fieldsOf)
  const given: GivenLog = {
    ...{
      trace_unique_id: idOf(span.traceId),
      span_unique_id: idOf(span.spanId),
      span_name: textOf(span.name),
    },
    ...(parent === undefined || !SPAN_ID.test(parent) ? {} : { span_parent_id: parent }),
    ...{ start_time: startMs, timestamp: endMs },
    ...statusOf(span, take, events),
    ...modelOf(take),
    ...usageOf(take),
    ...identityOf(take),
    ...messagesOf(take, events),
    ...completionsOf(take, events),
    otel: {
      kind: span.kind,
      resource,
      scope,
      attributes: take.rest(),
      events: events.map(({ name, timeUnixNano, attributes }) => ({
        name,
        time_unix_nano: timeUnixNano,
        attributes: valuesOf(attributes),
      })),
      links: span.links,
    },
  }
  return {
    given,
    ...(finishReason === undefined ? {} : { finishReason }),
    ...(responseId === undefined ? {} : { responseId }),
  }
}

function statusOf(
  span: Record<string, unknown>,
  take: Taken,
  events: Record<string, unknown>[],
): Partial<GivenLog> {
  const { code, message } = fieldsOf(span.status)
  const status = numberOf(take('http.response.status_code')) ?? numberOf(take('http.status_code'))
  const isError = code === STATUS_ERROR || code === 'STATUS_CODE_ERROR'
  const exception = valuesOf(events.find(({ name }) => name === 'exception')?.attributes)
  const told = textOf(message) ?? textOf(exception['exception.message']) ?? textOf(take('error.type'))
  return {
    ...(status === undefined ? {} : { status_code: Math.trunc(status) }),
    ...(isError ? { status: 'error' as const, error_message: told ?? '' } : {}),
  }
}

function modelOf(take: Taken): Partial<GivenLog> {
  const provider = textOf(firstOf(take, ['gen_ai.provider.name', 'gen_ai.system', 'respan.provider_id']))
  const operation = textOf(take('gen_ai.operation.name')) ?? textOf(take('llm.request.type'))
  const kind = textOf(firstOf(take, ['respan.entity.log_type', 'respan.log_type', 'traceloop.span.kind']))
  const stream = firstOf(take, ['gen_ai.request.stream', 'llm.is_streaming'])
  const model = textOf(firstOf(take, ['gen_ai.request.model', 'gen_ai.response.model', 'llm.model_name']))
  const firstToken = numberOf(take('gen_ai.response.time_to_first_chunk'))
  return {
    log_type: typeOf(kind) ?? OPERATIONS[operation ?? ''] ?? (model === undefined ? 'custom' : 'chat'),
    ...(model === undefined ? {} : { model }),
    ...(provider === undefined ? {} : { provider_id: providerOfOtelName(provider) }),
    ...(typeof stream === 'boolean' ? { stream } : {}),
    ...(firstToken === undefined ? {} : { time_to_first_token: firstToken }),
    ...numbers(take, {
      temperature: 'gen_ai.request.temperature',
      top_p: 'gen_ai.request.top_p',
      max_tokens: 'gen_ai.request.max_tokens',
      frequency_penalty: 'gen_ai.request.frequency_penalty',
      presence_penalty: 'gen_ai.request.presence_penalty',
    }),
  }
}

function typeOf(kind: string | undefined): GivenLog['log_type'] {
  return LOG_TYPES.find((type) => type === kind)
}

// The conventions count cached tokens as input, as chat completions do.
function usageOf(take: Taken): Partial<GivenLog> {
  const count = (...names: string[]) => numberOf(firstOf(take, names))
  const input = count('gen_ai.usage.input_tokens', 'gen_ai.usage.prompt_tokens', 'llm.token_count.prompt')
  const output = count(
    'gen_ai.usage.output_tokens',
    'gen_ai.usage.completion_tokens',
    'llm.token_count.completion',
  )
  const cacheRead = count('gen_ai.usage.cache_read.input_tokens', 'gen_ai.usage.cache_read_input_tokens')
  const cacheWrite = count(
    'gen_ai.usage.cache_creation.input_tokens',
    'gen_ai.usage.cache_creation_input_tokens',
  )
  const reasoning = count('gen_ai.usage.reasoning.output_tokens')
  const cost = count('gen_ai.usage.cost', 'respan.cost', 'llm.cost.total')
  const isTold = input !== undefined || output !== undefined
  const usage = {
    prompt_tokens: input ?? 0,
    completion_tokens: output ?? 0,
    prompt_tokens_details: { cached_tokens: cacheRead, cache_creation_tokens: cacheWrite },
    completion_tokens_details: { reasoning_tokens: reasoning },
  }
  return { ...(isTold ? { usage } : {}), ...(cost === undefined || cost < 0 ? {} : { cost }) }
}

function identityOf(take: Taken): Partial<GivenLog> {
  const told = (...names: string[]) => identifierOf(firstOf(take, names))
  const metadata = { ...fieldsOf(parsed(take('respan.metadata'))), ...take.below('respan.metadata.') }
  const all = {
    customer_identifier: told(
      'respan.customer.identifier',
      'respan.customer_params.customer_identifier',
      'keywordsai.customer_params.customer_identifier',
      'user.id',
      'enduser.id',
    ),
    customer_email: told('respan.customer.email', 'respan.customer_params.email', 'user.email'),
    customer_name: told('respan.customer.name', 'respan.customer_params.name', 'user.name'),
    thread_identifier: told('respan.thread.id', 'respan.thread.identifier', 'gen_ai.conversation.id'),
    session_identifier: told('respan.session.id', 'session.id'),
    custom_identifier: told('respan.custom.identifier', 'respan.custom_identifier'),
    group_identifier: told('respan.group.identifier', 'respan.group_identifier'),
    trace_group_identifier: told('respan.trace.group.identifier', 'respan.trace_group_identifier'),
    trace_name: told('respan.trace.name', 'respan.trace_name'),
    span_workflow_name: told('respan.workflow.name', 'gen_ai.workflow.name', 'traceloop.workflow.name'),
    span_path: told('respan.entity.path', 'traceloop.entity.path'),
    prompt_name: told('gen_ai.prompt.name'),
    metadata: Object.keys(metadata).length === 0 ? undefined : metadata,
  }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}

function identifierOf(value: unknown): string | undefined {
  return typeof value === 'number' ? String(value) : textOf(value)?.slice(0, 254)
}

function numbers(take: Taken, names: Readonly<Record<string, string>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(names).flatMap(([name, attribute]) => {
      const value = numberOf(take(attribute))
      return value === undefined ? [] : [[name, value] as const]
    }),
  )
}

function parsed(value: unknown): unknown {
  return typeof value === 'string' ? (jsonOf(value) ?? value) : value
}

// JSON has ids in hexadecimal of either case.
function idOf(value: unknown): string | undefined {
  return textOf(value)?.toLowerCase()
}

function msOf(nanos: unknown): number | undefined {
  if (typeof nanos !== 'string' && typeof nanos !== 'number') return undefined
  try {
    const ms = Number(BigInt(nanos) / NANOS_PER_MS)
    return ms > 0 ? ms : undefined
  } catch {
    return undefined
  }
}
