import { SluiceError } from './failure'

/** What a request's body may have when MAX_BODY_BYTES does not say. */
export const DEFAULT_MAX_BODY_BYTES = 32 * 1024 * 1024

/** What a management request's body may have: that of a thousand logs. */
export const MAX_MANAGEMENT_BODY_BYTES = 20 * 1024 * 1024

/** The bytes that a request says its body has, NaN when it does not; refused when they are more than allowed. */
export function announcedBytes({ headers }: Request, maxBodyBytes: number): number {
  const announced = Number(headers.get('content-length') ?? Number.NaN)
  if (announced > maxBodyBytes) throw tooLarge(maxBodyBytes)
  return announced
}

/** A request's body, as long as it is no larger than allowed. */
export async function readBody(request: Request, maxBodyBytes: number): Promise<Uint8Array> {
  const announced = announcedBytes(request, maxBodyBytes)
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
