import type { Json, JsonObject } from './chat-request'
import { FILTER_RESULTS } from './chunks'
import { fieldsOf } from './fields'
import type { ErrorContext, ProviderError } from './provider-errors'
import { requestId } from './provider-headers'
import type { HeaderValues } from './wire'

/** Whether the path is that of an Azure OpenAI resource, in its classic or in its v1 form. */
export function isAzure(path: string): boolean {
  return /\/openai\/(?:deployments|v1)\//.test(path)
}

/** The headers of an Azure resource, with its limits that count down per deployment. */
export function azureHeaders(callId: number): HeaderValues {
  return {
    'apim-request-id': requestId(callId),
    'x-request-id': requestId(callId),
    'x-ms-region': 'Sweden Central',
    'x-ms-deployment-name': 'fake',
    'x-ratelimit-limit-requests': '500',
    'x-ratelimit-limit-tokens': '50000',
    'x-ratelimit-remaining-requests': '499',
    'x-ratelimit-remaining-tokens': '49962',
    'strict-transport-security': 'max-age=31536000; includeSubDomains; preload',
    'x-content-type-options': 'nosniff',
  }
}

/** A completion with the results of the content filters, which found nothing. */
export function azureFiltered(completion: JsonObject): JsonObject {
  const choices = Array.isArray(completion['choices']) ? completion['choices'] : []
  const filtered = choices.map((choice): Json => {
    const own = isObject(choice) ? choice : {}
    return { ...own, content_filter_results: FILTER_RESULTS }
  })
  const prompt_filter_results = [{ prompt_index: 0, content_filter_results: FILTER_RESULTS }]
  return { ...completion, choices: filtered, prompt_filter_results }
}

/** Azure's own errors, where they are not OpenAI's: the code is a word or the status in text. */
export function azureError(status: number, { path }: ErrorContext): ProviderError | undefined {
  const version = new URL(path, 'http://fake').searchParams.get('api-version') ?? 'preview'
  const operation = `the ChatCompletions_Create Operation under Azure OpenAI API version ${version}`
  const say = (code: string, message: string, headers: HeaderValues = {}) => ({
    body: { error: { code, message } },
    headers,
  })
  switch (status) {
    case 401: {
      const how = 'Make sure to provide a valid key for an active subscription and use a correct regional API'
      return say(
        '401',
        `Access denied due to invalid subscription key or wrong API endpoint. ${how} endpoint for your resource.`,
      )
    }
    case 404: {
      const wait =
        'If you created the deployment within the last 5 minutes, please wait a moment and try again.'
      return say('DeploymentNotFound', `The API deployment for this resource does not exist. ${wait}`)
    }
    case 429: {
      const limit = 'have exceeded token rate limit of your current OpenAI S0 pricing tier.'
      return say('429', `Requests to ${operation} ${limit} Please retry after 6 seconds.`, {
        'retry-after': '6',
      })
    }
    case 500:
      return say(
        'InternalServerError',
        'The server had an error while processing your request. Sorry about that!',
      )
    default:
      return undefined
  }
}

function isObject(value: Json): value is JsonObject {
  return Object.keys(fieldsOf(value)).length > 0
}
