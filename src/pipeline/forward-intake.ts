import { editObject } from '../platform/json-edit'
import { JsonSyntaxError, type Member, scanObject } from '../platform/json-scan'
import { readParameters } from './gateway-parameters'
import type { Intake } from './intake'

/** JSON up to this size is read and logged; what is larger or something else goes through unread. */
export const MAX_READ_BYTES = 64 * 1024
const JSON_TYPE = /^\s*application\/([\w.-]+\+)?json\b/i
const NOTHING = new Uint8Array(0)

/** A request that is forwarded: what is known of it, and the body that goes on. */
export interface ForwardIntake {
  intake: Intake
  body: Uint8Array | ReadableStream<Uint8Array> | undefined
  /** The body, if it was read and is a JSON object. */
  fields: Record<string, unknown>
}

/**
 * Reads what can be read of a request without holding it up. Gateway parameters come by header; in the body they are
 * looked for, and taken out, only where the path is the gateway's own and not a copy of a provider's.
 * @throws SluiceError `invalid_request` naming a gateway parameter
 */
export async function readForwarded(request: Request, isOwnPath: boolean): Promise<ForwardIntake> {
  const { headers } = request
  const announced = Number(headers.get('content-length') ?? Number.NaN)
  const isRead = isJson(headers) && announced <= MAX_READ_BYTES
  const bytes = isRead ? new Uint8Array(await request.arrayBuffer()) : NOTHING
  const members = bytes.byteLength === 0 ? [] : membersOf(bytes)
  const own = { fields: new Set<string>(), metadata: 'all' as const }
  const read = readParameters(bytes, isOwnPath ? members : [], { headers, own })
  const intake: Intake = {
    bytes,
    members,
    model: undefined,
    stream: new URL(request.url).searchParams.get('stream') === 'true',
    wantsStreamUsage: true,
    ...read,
  }
  const { bodyNames: remove, bodyReplacements: replace } = read
  const stream = request.body === null || isRead ? undefined : request.body
  return {
    intake,
    body: bytes.byteLength > 0 ? editObject(bytes, members, { remove, replace }) : stream,
    fields: members.length === 0 ? {} : Object(JSON.parse(new TextDecoder().decode(bytes))),
  }
}

/** Whether a request says that its body is JSON. */
export function isJson(headers: Headers): boolean {
  return JSON_TYPE.test(headers.get('content-type') ?? '')
}

// What is not an object, or not JSON, is the provider's to refuse.
function membersOf(bytes: Uint8Array): readonly Member[] {
  try {
    return scanObject(bytes)
  } catch (cause) {
    if (cause instanceof JsonSyntaxError) return []
    throw cause
  }
}
