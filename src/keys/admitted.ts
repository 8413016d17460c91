import * as z from 'zod/mini'
import type { Caller } from './authenticate'

/** A management request that the gateway has let in, as it tells the consumer worker, which answers it. */
export interface Admitted {
  /** Of the management table: method and path pattern, such as `GET /api/limits/:id`. */
  route: string
  /** Decoded path parameters. */
  params: Readonly<Record<string, string>>
  caller: Caller
  /** The gateway's variables that bear on stored configuration; of secrets only that they are set. */
  variables: Readonly<Record<string, string>>
}

const HEADER = 'x-sluice-admitted'
/** Headers in which a key comes: it has been read, and nobody behind the gateway needs it. */
const KEY_HEADERS = ['authorization', 'x-api-key', 'x-goog-api-key', 'api-key']
const texts = z.record(z.string(), z.string())
const admittedSchema = z.object({
  route: z.string(),
  params: texts,
  caller: z.custom<Caller>((value) => typeof value === 'object' && value !== null),
  variables: texts,
})

/** The same request for the consumer worker. Whatever a client wrote into the header is gone. */
export function withAdmitted(request: Request, admitted: Admitted): Request {
  const headers = new Headers(request.headers)
  for (const name of KEY_HEADERS) headers.delete(name)
  headers.set(HEADER, encodeURIComponent(JSON.stringify(admitted)))
  return new Request(request, { headers })
}

/** What the gateway told; undefined for a request that it has not sent. */
export function admittedOf({ headers }: Request): Admitted | undefined {
  const text = headers.get(HEADER)
  if (text === null) return undefined
  const parsed = admittedSchema.safeParse(JSON.parse(decodeURIComponent(text)))
  return parsed.success ? parsed.data : undefined
}
