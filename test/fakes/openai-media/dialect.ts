import { noKey, refusalOfBody } from '../chat-default'
import { chat } from '../chat-dialect'
import { asChatRequest } from '../chat-request'
import type { Asked, Dialect } from '../dialect'
import { status } from '../faults'
import { bodyOf, pathOf, stringOf } from '../fields'
import { sse } from '../framing'
import { openAi } from '../provider-errors'
import type { RecordedCall } from '../recorder'
import { answer, type Step } from '../steps'
import { type Endpoint, fieldsOfCall } from './endpoint'
import { batchesStep, filesStep } from './files'
import { imageEdits, images, speech, transcriptions } from './media'
import { completions, embeddings, moderations, rerank } from './texts'

/** OpenAI's endpoints that are no conversation. A scripted answer's content is what they say, where they say anything. */
export const openAiMedia: Dialect = {
  ...chat,
  readRequest: (call) => {
    const content = endpointOf(call)?.heard(fieldsOfCall(call)) ?? ''
    const { n, max_tokens, stream_options } = asChatRequest(bodyOf(call))
    const messages = [{ role: 'user', content }]
    return {
      model: call.model,
      messages,
      ...(n !== undefined && { n }),
      ...(max_tokens !== undefined && { max_tokens }),
      ...(stream_options !== undefined && { stream_options }),
    }
  },
  isStream: (call) => {
    const { stream, stream_format } = fieldsOfCall(call)
    const isAsked = stream === true || stream === 'true' || stream_format === 'sse'
    return isAsked && endpointOf(call)?.events !== undefined
  },
  framing: (call) => endpointOf(call)?.framing ?? sse,
  reply: (told) => endpointOf(told.call)?.reply(told) ?? {},
  events: (told) => endpointOf(told.call)?.events?.(told) ?? [],
  done: (call) => (endpointOf(call)?.hasDone === true ? chat.done(call) : []),
  refusal: ({ call }) => missingField(call),
  unscripted,
}

const ENDPOINTS: Record<string, Endpoint> = {
  embeddings,
  completions,
  'images/generations': images,
  'images/edits': imageEdits,
  'images/variations': imageEdits,
  'audio/speech': speech,
  'audio/transcriptions': transcriptions,
  'audio/translations': transcriptions,
  moderations,
  rerank,
}

function endpointOf(call: RecordedCall): Endpoint | undefined {
  const path = pathOf(call)
  const name = Object.keys(ENDPOINTS).find((one) => path.endsWith(`/${one}`))
  return name === undefined ? undefined : ENDPOINTS[name]
}

function missingField(call: RecordedCall): Step | undefined {
  const fields = fieldsOfCall(call)
  const missing = endpointOf(call)?.needs.find(
    (name) => fields[name] === undefined && fields[`${name}[]`] === undefined,
  )
  if (missing === undefined) return undefined
  const message = `Missing required parameter: '${missing}'.`
  return status(400, openAi(message, 'invalid_request_error', 'missing_required_parameter', missing).body)
}

async function unscripted(asked: Asked): Promise<Step> {
  const { call } = asked
  if (stringOf(call.headers['authorization']) === '' && call.headers['api-key'] === undefined) return noKey()
  if (/\/files(?:\/|$)/.test(pathOf(call))) return await filesStep(asked)
  if (/\/batches(?:\/|$)/.test(pathOf(call))) return batchesStep(asked)
  const isModelFree = pathOf(call).endsWith('/moderations') || call.form !== undefined
  return (isModelFree ? undefined : refusalOfBody(call)) ?? answer()
}
