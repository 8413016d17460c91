/** How a field travels in protobuf, and what it is in OTLP's JSON: `id` is bytes there and hexadecimal here. */
export type Scalar =
  | 'string'
  | 'bool'
  | 'int64'
  | 'double'
  | 'bytes'
  | 'id'
  | 'fixed64'
  | 'fixed32'
  | 'uint32'
  | 'int32'

/** One field of a message. */
export interface Field {
  /** As OTLP's JSON spells it. */
  name: string
  kind: Scalar | MessageName
  isRepeated?: true
}

/** The messages of OTLP that carry traces. */
export type MessageName =
  | 'ExportTraceServiceRequest'
  | 'ResourceSpans'
  | 'Resource'
  | 'ScopeSpans'
  | 'Scope'
  | 'Span'
  | 'Event'
  | 'Link'
  | 'Status'
  | 'KeyValue'
  | 'AnyValue'
  | 'ArrayValue'
  | 'KeyValueList'
  | 'ExportTraceServiceResponse'
  | 'PartialSuccess'
  | 'RpcStatus'

const attributes = { name: 'attributes', kind: 'KeyValue', isRepeated: true } as const
const dropped = { name: 'droppedAttributesCount', kind: 'uint32' } as const
const schemaUrl = { name: 'schemaUrl', kind: 'string' } as const

/** The fields of each message by their numbers (opentelemetry-proto 1.7, trace, common and collector; google.rpc.Status). */
export const messages: Readonly<Record<MessageName, Readonly<Record<number, Field>>>> = {
  ExportTraceServiceRequest: { 1: { name: 'resourceSpans', kind: 'ResourceSpans', isRepeated: true } },
  ResourceSpans: {
    1: { name: 'resource', kind: 'Resource' },
    2: { name: 'scopeSpans', kind: 'ScopeSpans', isRepeated: true },
    3: schemaUrl,
  },
  Resource: { 1: attributes, 2: dropped },
  ScopeSpans: {
    1: { name: 'scope', kind: 'Scope' },
    2: { name: 'spans', kind: 'Span', isRepeated: true },
    3: schemaUrl,
  },
  Scope: {
    1: { name: 'name', kind: 'string' },
    2: { name: 'version', kind: 'string' },
    3: attributes,
    4: dropped,
  },
  Span: {
    1: { name: 'traceId', kind: 'id' },
    2: { name: 'spanId', kind: 'id' },
    3: { name: 'traceState', kind: 'string' },
    4: { name: 'parentSpanId', kind: 'id' },
    5: { name: 'name', kind: 'string' },
    6: { name: 'kind', kind: 'int32' },
    7: { name: 'startTimeUnixNano', kind: 'fixed64' },
    8: { name: 'endTimeUnixNano', kind: 'fixed64' },
    9: attributes,
    10: dropped,
    11: { name: 'events', kind: 'Event', isRepeated: true },
    12: { name: 'droppedEventsCount', kind: 'uint32' },
    13: { name: 'links', kind: 'Link', isRepeated: true },
    14: { name: 'droppedLinksCount', kind: 'uint32' },
    15: { name: 'status', kind: 'Status' },
    16: { name: 'flags', kind: 'fixed32' },
  },
  Event: {
    1: { name: 'timeUnixNano', kind: 'fixed64' },
    2: { name: 'name', kind: 'string' },
    3: attributes,
    4: dropped,
  },
  Link: {
    1: { name: 'traceId', kind: 'id' },
    2: { name: 'spanId', kind: 'id' },
    3: { name: 'traceState', kind: 'string' },
    4: attributes,
    5: dropped,
    6: { name: 'flags', kind: 'fixed32' },
  },
  Status: { 2: { name: 'message', kind: 'string' }, 3: { name: 'code', kind: 'int32' } },
  KeyValue: { 1: { name: 'key', kind: 'string' }, 2: { name: 'value', kind: 'AnyValue' } },
  AnyValue: {
    1: { name: 'stringValue', kind: 'string' },
    2: { name: 'boolValue', kind: 'bool' },
    3: { name: 'intValue', kind: 'int64' },
    4: { name: 'doubleValue', kind: 'double' },
    5: { name: 'arrayValue', kind: 'ArrayValue' },
    6: { name: 'kvlistValue', kind: 'KeyValueList' },
    7: { name: 'bytesValue', kind: 'bytes' },
  },
  ArrayValue: { 1: { name: 'values', kind: 'AnyValue', isRepeated: true } },
  KeyValueList: { 1: { name: 'values', kind: 'KeyValue', isRepeated: true } },
  ExportTraceServiceResponse: { 1: { name: 'partialSuccess', kind: 'PartialSuccess' } },
  PartialSuccess: {
    1: { name: 'rejectedSpans', kind: 'int64' },
    2: { name: 'errorMessage', kind: 'string' },
  },
  RpcStatus: { 1: { name: 'code', kind: 'int32' }, 2: { name: 'message', kind: 'string' } },
}
