import type { Asked, Dialect } from '../dialect'
import { status } from '../faults'
import { bodyOf, fieldsOf, pathOf } from '../fields'
import { namedSse } from '../framing'
import type { RecordedCall } from '../recorder'
import { answer, json, type Step } from '../steps'
import { usageOf } from '../usage'
import {
  anthropicError,
  anthropicHeaders,
  anthropicProblem,
  anthropicStatus,
  invalid,
  lostThread,
} from './errors'
import { messageEvents } from './events'
import { formProblem } from './form'
import { message } from './message'
import { anthropicRequest } from './request'
import { turnsProblem } from './turns'

/** Anthropic Messages, at Anthropic's own address and on Vertex AI. */
export const anthropic: Dialect = {
  callPrefix: 'toolu_01',
  readRequest: anthropicRequest,
  isStream: (call) => bodyOf(call)['stream'] === true || pathOf(call).endsWith(':streamRawPredict'),
  headers: anthropicHeaders,
  framing: () => namedSse,
  reply: (told) =>
    isCount(told.call) ? { input_tokens: usageOf(told.request, []).prompt_tokens } : message(told),
  events: messageEvents,
  done: () => [],
  errorEvent: ({ callId }) => anthropicError('overloaded_error', 'Overloaded', callId),
  error: anthropicStatus,
  problem: anthropicProblem,
  errorWith200: ({ callId }) => anthropicError('api_error', 'Internal server error', callId),
  refusal,
  unscripted,
}

const MODELS = [
  {
    type: 'model',
    id: 'claude-sonnet-4-5-20250929',
    display_name: 'Claude Sonnet 4.5',
    created_at: '2025-09-29T00:00:00Z',
  },
  {
    type: 'model',
    id: 'claude-haiku-4-5-20251001',
    display_name: 'Claude Haiku 4.5',
    created_at: '2025-10-01T00:00:00Z',
  },
]

function refusal({ call }: Asked): Step | undefined {
  // What goes on in a thread has its beginning elsewhere.
  const isThread = fieldsOf(bodyOf(call)['thread'])['type'] === 'continue'
  const problem = formProblem(call) ?? (isThread ? undefined : turnsProblem(call))
  if (problem !== undefined) return invalid(problem, call.id)
  return isThread ? lostThread(call.id) : undefined
}

function unscripted({ call }: Asked): Step {
  const path = pathOf(call)
  const isVertex = path.includes('awPredict')
  const { authorization, 'x-api-key': apiKey, 'anthropic-version': version } = call.headers
  if (!/^Bearer \S/.test(authorization ?? '') && (apiKey === undefined || isVertex)) {
    return status(401, anthropicError('authentication_error', 'x-api-key header is required', call.id))
  }
  if (version === undefined && !isVertex) return invalid('anthropic-version: header is required', call.id)
  if (isVertex && bodyOf(call)['anthropic_version'] !== 'vertex-2023-10-16') {
    return invalid('anthropic_version: Field required', call.id)
  }
  if (isVertex && bodyOf(call)['model'] !== undefined) {
    return invalid('model: Extra inputs are not permitted', call.id)
  }
  if (call.method === 'GET') {
    const [first, last] = MODELS
    return json({ data: MODELS, has_more: false, first_id: first?.id, last_id: last?.id })
  }
  try {
    call.json()
  } catch {
    return invalid('The request body is not valid JSON: expected value at line 1 column 1', call.id)
  }
  return answer()
}

function isCount(call: RecordedCall): boolean {
  return pathOf(call).endsWith('/count_tokens')
}
