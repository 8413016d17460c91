import type { Exchange } from '../pipeline/stages'
import { numberVariable } from '../platform/env'
import { describe, failureHeaders, SluiceError } from '../platform/failure'
import { JsonSyntaxError, scanObject } from '../platform/json-scan'
import { DEFAULT_MAX_BODY_BYTES, readBody } from '../platform/read-body'
import type { Address, Protocol } from '../protocols/protocol'
import { protocols } from '../protocols/table'
import { exchangeOf } from './exchange'
import type { RouteContext } from './route'

/**
 * Answers a question about the call that a request's body would be, without making it. What is wrong with it is told as
 * the call would be answered, in the words of its protocol.
 */
export async function aboutCall(
  context: RouteContext,
  answer: (exchange: Exchange) => Promise<unknown>,
): Promise<Response> {
  const { request, env } = context
  const { searchParams } = new URL(request.url)
  const named = namedProtocol(searchParams)
  const body = await readBody(request, numberVariable(env.MAX_BODY_BYTES, DEFAULT_MAX_BODY_BYTES))
  const protocol = named ?? guessedProtocol(body, request.headers)
  try {
    // Read above, and to be read again by those who read a call's.
    const again = new Request(request.url, { method: 'POST', headers: request.headers, body })
    const begun = exchangeOf({ ...context, request: again }, protocol)
    return Response.json(await answer({ ...begun, ...addressOf(protocol, searchParams) }))
  } catch (cause) {
    if (!(cause instanceof SluiceError)) throw cause
    const description = describe(cause.failure)
    const headers = { ...failureHeaders(cause.failure), 'content-type': 'application/json' }
    return new Response(protocol.encodeError(description), { status: description.status, headers })
  }
}

function namedProtocol(query: URLSearchParams): Protocol | undefined {
  const name = query.get('protocol')
  if (name === null) return undefined
  const found = Object.values(protocols).find(({ id }) => id === name)
  if (found !== undefined) return found
  throw new SluiceError({
    kind: 'invalid_request',
    code: 'invalid_parameter',
    param: 'protocol',
    message: `'${name}' is no protocol that is served; there are ${Object.keys(protocols).join(', ')}.`,
  })
}

function guessedProtocol(body: Uint8Array, headers: Headers): Protocol {
  const names = fieldNames(body)
  if (names.has('contents')) return protocols.gemini
  if (names.has('input') && !names.has('messages')) return protocols['openai-responses']
  return headers.has('anthropic-version') ? protocols.anthropic : protocols['openai-chat']
}

// What is wrong with a body is told when it is read as a call's.
function fieldNames(body: Uint8Array): ReadonlySet<string> {
  try {
    return new Set(scanObject(body).map(({ key }) => key))
  } catch (cause) {
    if (cause instanceof JsonSyntaxError) return new Set()
    throw cause
  }
}

/** What the path of a call says where the body does not name the model. */
function addressOf({ hasModelInBody }: Protocol, query: URLSearchParams): { address?: Address } {
  if (hasModelInBody) return {}
  const model = query.get('model')
  if (model !== null && model !== '') return { address: { model, stream: query.get('stream') === 'true' } }
  throw new SluiceError({
    kind: 'invalid_request',
    code: 'missing_required_parameter',
    param: 'model',
    message: "Missing required parameter: 'model'. A call has it in its path; name it here as '?model='.",
  })
}
