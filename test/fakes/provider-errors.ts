import type { Json } from './chat-request'
import { requestId } from './provider-headers'
import type { HeaderValues } from './wire'

/** What the text of an error may mention. */
export interface ErrorContext {
  callId: number
  model: string
  /** The key as it came, in whichever header. */
  authorization: string
  /** With the query. */
  path: string
}

/** An error reply: a text is sent as HTML, all else as JSON. */
export interface ProviderError {
  body: Json
  headers?: HeaderValues
}

/**
 * A true body for the status. OpenAI's own where it sends the status; of its compatible competitors
 * otherwise.
 */
export function providerError(status: number, context: ErrorContext): ProviderError {
  const error = errors[status]
  if (error !== undefined) return error(context)
  return status < 500 ? openAi('Invalid request.', 'invalid_request_error') : errors[500](context)
}

/** An error in OpenAI's shape. */
export function openAi(
  message: string,
  type: string,
  code: string | null = null,
  param: string | null = null,
) {
  return { body: { error: { message, type, param, code } } }
}

/** Cloudflare's page for a status, as it stands before most providers. */
export function cloudflarePage(title: string): string {
  const head = `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n`
  const body = `<center><h1>${title}</h1></center>\r\n<hr><center>cloudflare</center>\r\n`
  return `${head}${body}</body>\r\n</html>\r\n`
}

type ErrorMaker = (context: ErrorContext) => ProviderError

const errors: Record<number, ErrorMaker> & { 500: ErrorMaker } = {
  400: () => {
    const roles = "'system', 'assistant', 'user', 'function', 'tool', and 'developer'"
    const message = `Invalid value: 'robot'. Supported values are: ${roles}.`
    return openAi(message, 'invalid_request_error', 'invalid_value', 'messages[0].role')
  },
  401: ({ authorization }) => {
    const help = 'You can find your API key at https://platform.openai.com/account/api-keys.'
    const message = `Incorrect API key provided: ${masked(authorization)}. ${help}`
    return openAi(message, 'invalid_request_error', 'invalid_api_key')
  },
  403: () => {
    const message = 'Country, region, or territory not supported'
    return openAi(message, 'request_forbidden', 'unsupported_country_region_territory')
  },
  404: ({ model }) => {
    const message = `The model \`${model}\` does not exist or you do not have access to it.`
    return openAi(message, 'invalid_request_error', 'model_not_found')
  },
  // Azure OpenAI.
  408: () => ({ body: { error: { code: 'Timeout', message: 'The operation was timeout.' } } }),
  409: () =>
    openAi('Another request is using this resource. Please try again.', 'conflict_error', 'conflict'),
  413: () => openAi('Maximum content size limit (26214400) exceeded (26306794 bytes read)', 'server_error'),
  // Mistral: `message` is an object.
  422: () => {
    const loc = ['body', 'max_completion_tokens']
    const detail = [{ type: 'extra_forbidden', loc, msg: 'Extra inputs are not permitted', input: 32000 }]
    return {
      body: { object: 'error', message: { detail }, type: 'invalid_request_error', param: null, code: null },
    }
  },
  429: ({ model }) => {
    const limit =
      'on tokens per min (TPM): Limit 30000, Used 29937, Requested 385. Please try again in 644ms.'
    const link = 'Visit https://platform.openai.com/account/rate-limits to learn more.'
    const message = `Rate limit reached for ${model} in organization org-fake ${limit} ${link}`
    return {
      ...openAi(message, 'tokens', 'rate_limit_exceeded'),
      headers: { 'x-ratelimit-remaining-tokens': '63', 'x-ratelimit-reset-tokens': '644ms' },
    }
  },
  500: ({ callId }) => {
    const sorry =
      'The server had an error processing your request. Sorry about that! You can retry your request, or '
    const help = 'contact us through our help center at help.openai.com if you keep seeing this error. '
    const id = `(Please include the request ID ${requestId(callId)} in your email.)`
    return openAi(sorry + help + id, 'server_error')
  },
  502: () => ({ body: cloudflarePage('502 Bad Gateway') }),
  503: () => {
    const message = 'Our servers are currently overloaded. Please try again later.'
    return openAi(message, 'service_unavailable_error', 'server_is_overloaded')
  },
  504: () => ({ body: cloudflarePage('504 Gateway Time-out') }),
  // Anthropic.
  529: ({ callId }) => ({
    body: {
      type: 'error',
      error: { type: 'overloaded_error', message: 'Overloaded' },
      request_id: requestId(callId),
    },
    headers: { 'x-should-retry': 'true' },
  }),
}

/**
 * OpenAI repeats a wrong key with its middle starred out: eight characters and the last four stay readable.
 */
function masked(authorization: string): string {
  const key = authorization.replace(/^Bearer /i, '')
  return key.slice(0, 8) + '*'.repeat(Math.max(0, key.length - 12)) + key.slice(-4)
}
