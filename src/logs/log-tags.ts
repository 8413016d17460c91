import type { GivenLog } from './given-log'
import type { LogTags, LogTrace } from './log-record'

type Named<Name extends keyof GivenLog> = { [Key in Name]?: GivenLog[Key] }

/** What a request's parameters and a log that was sent in have in common: whom and what it was for. */
type Tagged = Named<
  | 'customer_identifier'
  | 'customer_email'
  | 'customer_name'
  | 'thread_identifier'
  | 'custom_identifier'
  | 'group_identifier'
  | 'metadata'
  | 'properties'
  | 'note'
  | 'category'
  | 'positive_feedback'
> & {
  customer_params?:
    | {
        customer_identifier?: string | null | undefined
        email?: string | null | undefined
        name?: string | null | undefined
      }
    | null
    | undefined
}

/** Where both say that they stand in a trace. */
type Traced = Named<
  | 'trace_name'
  | 'trace_group_identifier'
  | 'session_identifier'
  | 'span_name'
  | 'span_path'
  | 'span_workflow_name'
>

/** The tags of a log row. */
export function tagsOf(given: Tagged): LogTags {
  const { customer_params: customer } = given
  return {
    customerIdentifier: given.customer_identifier ?? customer?.customer_identifier ?? undefined,
    customerEmail: given.customer_email ?? customer?.email ?? undefined,
    customerName: given.customer_name ?? customer?.name ?? undefined,
    threadIdentifier: given.thread_identifier ?? undefined,
    customIdentifier: given.custom_identifier ?? undefined,
    groupIdentifier: given.group_identifier ?? undefined,
    metadata: given.metadata ?? undefined,
    properties: given.properties ?? undefined,
    note: given.note ?? undefined,
    category: given.category ?? undefined,
    positiveFeedback: given.positive_feedback ?? undefined,
  }
}

/** What a span is called, without its ids. */
export function spanNamesOf(given: Traced): Omit<LogTrace, 'traceId' | 'spanId' | 'parentSpanId'> {
  return {
    traceName: given.trace_name ?? undefined,
    traceGroupIdentifier: given.trace_group_identifier ?? undefined,
    sessionIdentifier: given.session_identifier ?? undefined,
    spanName: given.span_name ?? undefined,
    spanPath: given.span_path ?? undefined,
    workflowName: given.span_workflow_name ?? undefined,
  }
}
