// The same requests as a client of Anthropic Messages sends them.
import { chatRequest } from './chat.mjs'

/** Every content event's text starts with this. */
export const MESSAGES_MARK = '"text":"w'

/** A Messages request with the turns of the chat request of that kind. */
export function messagesRequest(scenario) {
  const { model, messages, temperature, max_tokens } = JSON.parse(chatRequest(scenario))
  return Buffer.from(JSON.stringify({ model, max_tokens, messages, temperature, stream: true }))
}
