import { SluiceError } from '../platform/failure'
import { JsonSyntaxError, type Member, positionOf, scanObject } from '../platform/json-scan'
import type { Protocol, RequestFacts } from '../protocols/protocol'
import { type ReadParameters, readParameters } from './gateway-parameters'

/** A request as it came in: its bytes, where its fields stand in them, and what it asks of the gateway. */
export interface Intake extends RequestFacts, ReadParameters {
  bytes: Uint8Array
  members: readonly Member[]
}

/** Reads and checks a request's body, without building any value that the gateway has no use for. */
export async function readIntake(
  request: Request,
  protocol: Protocol,
  maxBodyBytes: number,
): Promise<Intake> {
  checkContentType(request.headers)
  const bytes = await readBody(request, maxBodyBytes)
  if (bytes.byteLength === 0) throw malformed('The request body is empty; send a JSON object.')
  try {
    const members = scanObject(bytes)
    return {
      bytes,
      members,
      ...protocol.readRequest(bytes, members),
      ...readParameters(bytes, members, request.headers),
    }
  } catch (cause) {
    throw cause instanceof JsonSyntaxError ? notJson(bytes, cause) : cause
  }
}

function checkContentType(headers: Headers): void {
  const type = headers.get('content-type')
  if (type !== null && !/^(application|text)\/([\w.-]+\+)?json\b/i.test(type)) {
    throw new SluiceError({
      kind: 'unsupported_media_type',
      message: `The content type '${type}' is not supported here. Send JSON with 'content-type: application/json'.`,
    })
  }
  const encoding = headers.get('content-encoding')
  if (encoding === null || encoding.toLowerCase() === 'identity') return
  throw new SluiceError({
    kind: 'unsupported_media_type',
    message: `The content encoding '${encoding}' is not supported. Send the body uncompressed.`,
  })
}

async function readBody(request: Request, maxBodyBytes: number): Promise<Uint8Array> {
  const announced = Number(request.headers.get('content-length') ?? Number.NaN)
  if (announced > maxBodyBytes) throw tooLarge(maxBodyBytes)
  if (!Number.isNaN(announced)) return new Uint8Array(await request.arrayBuffer())
  return request.body === null ? new Uint8Array(0) : readAtMost(request.body, maxBodyBytes)
}

async function readAtMost(body: ReadableStream<Uint8Array>, maxBodyBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.byteLength
    if (length > maxBodyBytes) throw tooLarge(maxBodyBytes)
    chunks.push(chunk)
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer())
}

function tooLarge(maxBodyBytes: number): SluiceError {
  return new SluiceError({
    kind: 'body_too_large',
    message: `The request body is larger than ${maxBodyBytes} bytes, the limit of this gateway.`,
  })
}

function notJson(bytes: Uint8Array, cause: JsonSyntaxError): SluiceError {
  const { line, column } = positionOf(bytes, cause.offset)
  return malformed(`The request body is not valid JSON: ${cause.problem} (line ${line}, column ${column}).`)
}

function malformed(message: string): SluiceError {
  return new SluiceError({ kind: 'invalid_request', code: 'invalid_json', message })
}
