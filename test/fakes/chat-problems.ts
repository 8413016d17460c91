import type { Problem } from './dialect'
import { status } from './faults'
import { type ErrorContext, openAi } from './provider-errors'
import type { Step } from './steps'

/** OpenAI's errors that need their own treatment, and Azure's for a prompt that its filter stops. */
export function chatProblem(problem: Problem, { authorization }: ErrorContext): Step {
  switch (problem.name) {
    case 'quota-exhausted': {
      const message =
        'You exceeded your current quota, please check your plan and billing details. For more information on ' +
        'this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.'
      return status(429, openAi(message, 'insufficient_quota', 'insufficient_quota').body)
    }
    case 'context-too-long': {
      const message =
        `This model's maximum context length is ${problem.limit} tokens. However, your messages resulted in ` +
        `${problem.used} tokens. Please reduce the length of the messages.`
      return status(400, openAi(message, 'invalid_request_error', 'context_length_exceeded', 'messages').body)
    }
    case 'content-blocked':
      return status(400, filtered())
    case 'echo-auth': {
      const message = `Incorrect API key provided: ${authorization}`
      return status(401, openAi(message, 'invalid_request_error', 'invalid_api_key').body)
    }
  }
}

function filtered() {
  const message =
    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. " +
    'Please modify your prompt and retry. To learn more about our content filtering policies please read ' +
    'our documentation: https://go.microsoft.com/fwlink/?linkid=2198766'
  const safe = { filtered: false, severity: 'safe' }
  const content_filter_result = {
    hate: safe,
    jailbreak: { filtered: false, detected: false },
    self_harm: safe,
    sexual: safe,
    violence: { filtered: true, severity: 'medium' },
  }
  const innererror = { code: 'ResponsibleAIPolicyViolation', content_filter_result }
  return { error: { message, type: null, param: 'prompt', code: 'content_filter', status: 400, innererror } }
}
