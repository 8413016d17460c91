import { status } from './faults'
import { bodyOf, listOf, stringOf } from './fields'
import { openAi } from './provider-errors'
import type { RecordedCall } from './recorder'
import type { Step } from './steps'

/** OpenAI's 400 for tool messages and calls that do not belong together. */
export function refusedTurns(call: RecordedCall): Step | undefined {
  let open: string[] = []
  let called: string[] = []
  const messages = listOf(bodyOf(call)['messages'])
  for (const [index, message] of messages.entries()) {
    if (message['role'] === 'tool') {
      const id = stringOf(message['tool_call_id'])
      if (!called.includes(id)) return unasked(index)
      open = open.filter((one) => one !== id)
      continue
    }
    if (open.length > 0) return unanswered(open, index)
    called = listOf(message['tool_calls']).map(({ id }) => stringOf(id))
    open = called
  }
  return open.length > 0 ? unanswered(open, messages.length) : undefined
}

function unasked(index: number): Step {
  const message =
    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'."
  return status(400, openAi(message, 'invalid_request_error', null, `messages.[${index}].role`).body)
}

function unanswered(ids: string[], index: number): Step {
  const message =
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. " +
    `The following tool_call_ids did not have response messages: ${ids.join(', ')}`
  return status(400, openAi(message, 'invalid_request_error', null, `messages.[${index}].role`).body)
}
