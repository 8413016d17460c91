import { costOf } from '../../providers/prices'
import type { LogRecord } from '../log-record'
import { loggedCost } from '../log-row'
import type { ExporterEnv } from './exporter'
import { type OtlpSpan, spansOf } from './spans'

/** A queue message may have 128 KB (Queues, "Limits"). */
const MAX_MESSAGE_BYTES = 90_000
const CONTENT = /^gen_ai\.(?:input|output)\.messages$/
const encoder = new TextEncoder()

/** Spans on their way to the collector. */
export interface SpansMessage {
  kind: 'otlp'
  spans: OtlpSpan[]
}

/**
 * The spans of records, in groups that fit into a queue message. What came in by OTLP is not sent out again, and neither
 * is a request whose caller does not record its trace.
 */
export async function spanMessages(env: ExporterEnv, records: readonly LogRecord[]): Promise<SpansMessage[]> {
  const hasContent = env.OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT === 'true'
  const exported = records.filter(
    ({ logMethod, trace }) => logMethod !== 'otlp' && trace?.isUnsampled !== true,
  )
  const messages: SpansMessage[] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const record of exported) {
    const { costNanoUsd } = loggedCost(record, costOf(record))
    for (const whole of await spansOf(record, { costNanoUsd, hasContent })) {
      const span = fitting(whole)
      const spanBytes = bytesOf(span)
      if (bytes + spanBytes > MAX_MESSAGE_BYTES) {
        messages.push({ kind: 'otlp', spans: [] })
        bytes = 0
      }
      messages.at(-1)?.spans.push(span)
      bytes += spanBytes
    }
  }
  return messages
}

// Long texts are in the log, whose id the span has.
function fitting(span: OtlpSpan): OtlpSpan {
  if (bytesOf(span) <= MAX_MESSAGE_BYTES) return span
  const attributes = span.attributes.filter(({ key }) => !CONTENT.test(key))
  return {
    ...span,
    attributes: [...attributes, { key: 'sluice.content.is_omitted', value: { boolValue: true } }],
  }
}

function bytesOf(span: OtlpSpan): number {
  return encoder.encode(JSON.stringify(span)).byteLength
}
