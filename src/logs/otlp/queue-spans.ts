import { costOf } from '../../providers/prices'
import type { LogRecord } from '../log-record'
import { type ExporterEnv, exportUrl } from './exporter'
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
