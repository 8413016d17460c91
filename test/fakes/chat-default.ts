import { isAzure } from './azure'
import { status } from './faults'
import { bodyOf, pathOf } from './fields'
import { openAi } from './provider-errors'
import type { RecordedCall } from './recorder'
import { answer, json, type Step } from './steps'

const MODELS = [
  { id: 'gpt-4o', object: 'model', created: 1715367049, owned_by: 'system' },
  { id: 'gpt-4o-mini', object: 'model', created: 1721172741, owned_by: 'system' },
]

/**
 * What the provider does with a call that no script speaks of: it checks the request and answers any model.
 */
export function chatUnscripted(call: RecordedCall): Step {
  const path = pathOf(call)
  if (!/^Bearer \S/i.test(call.headers['authorization'] ?? '') && call.headers['api-key'] === undefined)
    return isAzure(path) ? status(401) : noKey()
  if (path.includes('/deployments/') && !call.query.has('api-version'))
    return status(404, { error: { code: '404', message: 'Resource not found' } })
  if (call.method === 'GET' && path.endsWith('/models')) return json({ object: 'list', data: MODELS })
  if (call.method === 'POST' && path.endsWith('/chat/completions')) return badRequest(call) ?? answer()
  return status(404, openAi(`Invalid URL (${call.method} ${path})`, 'invalid_request_error').body)
}

/** OpenAI's answer to a call without a key. */
export function noKey(): Step {
  const message =
    "You didn't provide an API key. You need to provide your API key in an Authorization header using " +
    'Bearer auth (i.e. Authorization: Bearer YOUR_KEY), or as the password field (with blank username) if ' +
    "you're accessing the API from your browser and are prompted for a username and password. You can " +
    'obtain an API key from ' +
    'https://platform.openai.com/account/api-keys.'
  return status(401, openAi(message, 'invalid_request_error').body)
}

/** OpenAI's answer to a body that is not JSON or names no model. */
export function refusalOfBody(call: RecordedCall): Step | undefined {
  try {
    call.json()
  } catch {
    const hint = "(HINT: This likely means you aren't using your HTTP library correctly."
    const ask = 'The OpenAI API expects a JSON payload, but what was sent was not valid JSON.'
    return refusal(`We could not parse the JSON body of your request. ${hint} ${ask})`)
  }
  return call.model === '' ? refusal('you must provide a model parameter') : undefined
}

function badRequest(call: RecordedCall): Step | undefined {
  const unread = refusalOfBody(call)
  if (unread !== undefined) return unread
  const { messages, stream, stream_options } = bodyOf(call)
  if (!Array.isArray(messages)) {
    return refusal("Missing required parameter: 'messages'.", 'missing_required_parameter', 'messages')
  }
  if (messages.length === 0) {
    const problem =
      "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array"
    return refusal(`${problem} instead.`, 'empty_array', 'messages')
  }
  if (stream !== true && stream_options !== undefined && stream_options !== null) {
    const problem = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
    return refusal(problem, null, 'stream_options')
  }
  return undefined
}

function refusal(message: string, code: string | null = null, param: string | null = null): Step {
  return status(400, openAi(message, 'invalid_request_error', code, param).body)
}
