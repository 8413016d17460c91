import { fieldsOf, listOf, numberOf } from '../protocols/fields'
import type { LogBody, LogRecord } from './log-record'
import { wholeBodies } from './present-bodies'

/** How much of each side of a log can be found by its words. */
const MAX_CHARACTERS = 4_000
const MAX_DEPTH = 12
/** What is no text that somebody wrote: names of kinds, ids, addresses, encoded bytes. */
const NO_TEXT = new Set([
  ...['type', 'role', 'id', 'object', 'model', 'url', 'data', 'image_url', 'b64_json', 'format', 'detail'],
  ...['tools', 'response_format', 'parameters', 'input_schema', 'usage', 'created', 'system_fingerprint'],
  ...[
    'signature',
    'encrypted_content',
    'tool_call_id',
    'call_id',
    'finish_reason',
    'media_type',
    'mime_type',
  ],
])

/** What a log's bodies say, for the search and for filters. */
export interface BodyContents {
  /** The end of what was asked, and the beginning of what was answered: plain text. */
  input: string
  output: string
  temperature?: number
  maxTokens?: number
}

/** The facts of bodies that ride in the record; undefined when there are none. */
export function bodyContents(record: LogRecord): BodyContents | undefined {
  const request = bytesOf(record.requestBody)
  const response = bytesOf(record.responseBody)
  if (request === undefined && response === undefined) return undefined
  const whole = wholeBodies(
    { ...record, protocol: record.protocol ?? null, upstreamModel: record.upstreamModel ?? null },
    { request, response },
  )
  return {
    // A conversation's newest turn stands at its end.
    input: textOf(whole.request).slice(-MAX_CHARACTERS),
    output: textOf(whole.response).slice(0, MAX_CHARACTERS),
    ...settingsOf(whole.request),
  }
}

function bytesOf(body: LogBody | undefined): Uint8Array | undefined {
  return body?.kind === 'inline' ? body.bytes : undefined
}

function settingsOf(request: unknown): Pick<BodyContents, 'temperature' | 'maxTokens'> {
  const fields = fieldsOf(request)
  const config = fieldsOf(fields.generationConfig)
  const temperature = numberIn([fields.temperature, config.temperature])
  const maxTokens = numberIn([
    ...[fields.max_tokens, fields.max_completion_tokens, fields.max_output_tokens],
    config.maxOutputTokens,
  ])
  return {
    ...(temperature === undefined ? {} : { temperature }),
    ...(maxTokens === undefined ? {} : { maxTokens }),
  }
}

function numberIn(values: readonly unknown[]): number | undefined {
  return values.map(numberOf).find((number) => number !== undefined)
}

// The texts of a value, whatever its shape.
function textOf(value: unknown): string {
  const texts: string[] = []
  collectTexts(value, texts, 0)
  return texts.join('\n')
}

function collectTexts(value: unknown, texts: string[], depth: number): void {
  if (depth > MAX_DEPTH) return
  if (typeof value === 'string') {
    if (!value.startsWith('data:')) texts.push(value)
    return
  }
  if (Array.isArray(value)) {
    for (const one of listOf(value)) collectTexts(one, texts, depth + 1)
    return
  }
  for (const [name, one] of Object.entries(fieldsOf(value)))
    if (!NO_TEXT.has(name)) collectTexts(one, texts, depth + 1)
}
