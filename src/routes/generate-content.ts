import { SluiceError } from '../platform/failure'
import { arrayFraming } from '../protocols/gemini/array-framing'
import { countContentTokens } from '../protocols/gemini/count-tokens-protocol'
import type { Protocol } from '../protocols/protocol'
import { protocols } from '../protocols/table'
import type { Pin } from '../routing/pin'
import { answerIn } from './answers'
import type { InferenceRoute, RouteContext } from './route'

const VERSIONS = ['/v1beta', '/v1', '/v1alpha', '/api/v1beta', '/api/v1', '/api/v1alpha']

/** The same words in a JSON array, for clients that do not ask for server-sent events. */
const inArray: Protocol = {
  ...protocols.gemini,
  framing: { contentType: 'application/json; charset=utf-8', keepAlive: '\n', filter: arrayFraming },
}

/** Gemini's generateContent, whose path names the model and the method. */
export const generateContent: InferenceRoute = {
  method: 'POST',
  paths: VERSIONS.map((version) => `${version}/models/:call{.+}`),
  auth: 'inference',
  logging: 'request',
  handle: (context) => answerCall(context),
}

/** Answers `{model}:{method}`, at a pinned provider when there is one. */
export async function answerCall(context: RouteContext, given: { pin?: Pin } = {}): Promise<Response> {
  const { model, method } = parsedCall(context.params.call ?? '')
  const isSse = new URL(context.request.url).searchParams.get('alt') === 'sse'
  switch (method) {
    case 'generateContent':
      return answerIn(protocols.gemini, context, { ...given, address: { model, stream: false } })
    case 'streamGenerateContent':
      return answerIn(isSse ? protocols.gemini : inArray, context, {
        ...given,
        address: { model, stream: true },
      })
    case 'countTokens':
      return answerIn(countContentTokens, context, { ...given, address: { model, stream: false } })
    default:
      return answerIn(unserved(method), context, { ...given, address: { model, stream: false } })
  }
}

// Refused in the pipeline like any other request: behind the key check, in the protocol's shape, with a log row.
function unserved(method: string): Protocol {
  return {
    ...protocols.gemini,
    readRequest() {
      throw new SluiceError({
        kind: 'not_implemented',
        message: `The method '${method}' is not served; there are generateContent, streamGenerateContent and countTokens.`,
      })
    },
  }
}

// A model's name may hold colons and slashes; the method stands behind the last colon.
function parsedCall(call: string): { model: string; method: string } {
  const colon = call.lastIndexOf(':')
  return colon === -1
    ? { model: call, method: '' }
    : { model: call.slice(0, colon).replace(/^models\//, ''), method: call.slice(colon + 1) }
}
