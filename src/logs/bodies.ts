import { fromBase64, toBase64 } from '../platform/base64'
import { sha256Hex } from '../platform/encryption'
import { concat } from '../platform/json-edit'
import type { LogBody, LogRecord } from './log-record'

/** Where a log row's bodies are; stored in the row as JSON. */
export interface StoredBodies {
  /** One gzip member inside a packed object. */
  packed?: { key: string; offset: number; length: number }
  request?: StoredBody
  response?: StoredBody
}

/** `packed` bodies are in the member, `object` ones lie alone as plain bytes, and `lost` ones say why. */
export type StoredBody =
  | { kind: 'packed'; sizeBytes: number }
  | { kind: 'object'; key: string; sizeBytes: number }
  | { kind: 'lost'; reason: string; sizeBytes: number }

/** The bodies of a batch in one object, and where each record's are. */
export interface PackedBodies {
  key: string
  bytes: Uint8Array
  placed: Map<string, StoredBodies>
}

/** One line of a packed object. Texts are strings, so that they are the very bytes; others are base64. */
interface PackedLine {
  id: string
  started_at: string
  request?: string
  request_base64?: string
  response?: string
  response_base64?: string
}

/**
 * Packs the bodies of many records: each record's line is a gzip member of its own (RFC 1952, 2.2), so that one can be
 * read by its byte range while the whole object opens with `zcat`.
 */
export async function packBodies(records: readonly LogRecord[]): Promise<PackedBodies> {
  const withInline = records.filter((record) => isInline(record.requestBody) || isInline(record.responseBody))
  const [first] = withInline
  const placed = new Map(records.map((record) => [record.id, alone(record)]))
  const key = first === undefined ? '' : await packedKey(first, withInline)
  const members: Uint8Array[] = []
  let offset = 0
  for (const record of withInline) {
    const member = await gzip(`${JSON.stringify(lineOf(record))}\n`)
    placed.set(record.id, { packed: { key, offset, length: member.byteLength }, ...alone(record) })
    members.push(member)
    offset += member.byteLength
  }
  return { key, bytes: concat(members), placed }
}

/** A stored body as bytes; undefined when there is none, or it is gone. */
export async function readBodies(
  bucket: R2Bucket,
  stored: StoredBodies,
): Promise<Record<'request' | 'response', Uint8Array | undefined>> {
  const line = stored.packed === undefined ? undefined : await readLine(bucket, stored.packed)
  const [request, response] = await Promise.all([
    readOne(bucket, stored.request, line?.request, line?.request_base64),
    readOne(bucket, stored.response, line?.response, line?.response_base64),
  ])
  return { request, response }
}

/** Where a row says that its bodies are. */
export function storedBodiesOf(bodies: unknown): StoredBodies {
  return typeof bodies === 'object' && bodies !== null ? bodies : {}
}

async function readOne(
  bucket: R2Bucket,
  body: StoredBody | undefined,
  text: string | undefined,
  base64: string | undefined,
): Promise<Uint8Array | undefined> {
  if (body?.kind === 'packed') {
    if (text !== undefined) return new TextEncoder().encode(text)
    return base64 === undefined ? undefined : fromBase64(base64)
  }
  if (body?.kind !== 'object') return undefined
  const object = await bucket.get(body.key)
  return object === null ? undefined : new Uint8Array(await object.arrayBuffer())
}

async function readLine(
  bucket: R2Bucket,
  at: { key: string; offset: number; length: number },
): Promise<PackedLine | undefined> {
  const object = await bucket.get(at.key, { range: { offset: at.offset, length: at.length } })
  if (object === null) return undefined
  return new Response(object.body.pipeThrough(new DecompressionStream('gzip'))).json<PackedLine>()
}

function alone(record: LogRecord): StoredBodies {
  const request = storedBody(record.requestBody)
  const response = storedBody(record.responseBody)
  return { ...(request === undefined ? {} : { request }), ...(response === undefined ? {} : { response }) }
}

function storedBody(body: LogBody | undefined): StoredBody | undefined {
  return body?.kind === 'inline' ? { kind: 'packed', sizeBytes: body.bytes.byteLength } : body
}

function isInline(body: LogBody | undefined): boolean {
  return body?.kind === 'inline'
}

// By the hour of the newest record, since the object is removed when all of them are past their retention, and by the first
// record's id; then by all ids: a redelivered batch replaces its own object
// and no other's.
async function packedKey(first: LogRecord, records: readonly LogRecord[]): Promise<string> {
  const newestMs = Math.max(...records.map((record) => record.startedAtMs))
  const hour = new Date(newestMs).toISOString().slice(0, 13).replaceAll(/[-T]/g, '/')
  const batch = await sha256Hex(records.map((record) => record.id).join(' '))
  return `bodies/packed/${hour}/${first.id}-${batch.slice(0, 12)}.ndjson.gz`
}

function lineOf(record: LogRecord): PackedLine {
  return {
    id: record.id,
    started_at: new Date(record.startedAtMs).toISOString(),
    ...textOrBase64('request', record.requestBody),
    ...textOrBase64('response', record.responseBody),
  }
}

function textOrBase64(side: 'request' | 'response', body: LogBody | undefined): Record<string, string> {
  if (body?.kind !== 'inline') return {}
  try {
    return { [side]: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body.bytes) }
  } catch {
    return { [`${side}_base64`]: toBase64(body.bytes) }
  }
}

async function gzip(text: string): Promise<Uint8Array> {
  const compressed = new Response(text).body?.pipeThrough(new CompressionStream('gzip'))
  return new Uint8Array(await new Response(compressed).arrayBuffer())
}
