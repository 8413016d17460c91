import type { EncodedRequest, EncodeTarget } from '../codec'
import { fieldsOf } from '../fields'
import type { ChatRequest } from '../request'
import { withLegalNames } from '../tool-names'
import { lostExtras, untranslatable } from '../untranslatable'
import { encodeMessages } from './encode-messages'
import { encodeSettings } from './encode-settings'
import { encodeTools } from './encode-tools'

/** OpenAI refuses `json_object` unless the conversation speaks of JSON. */
const JSON_WISH = { role: 'system', content: 'Answer with JSON only.' }

/** What OpenAI takes as the name of a function. */
export const TOOL_NAMES = { illegal: /[^a-zA-Z0-9_-]/, maxLength: 64 }

/**
 * A request for a server of chat completions. Many of them are simple, so only what the client set is said, and what
 * none but OpenAI knows goes only to clients' own targets and to OpenAI's models.
 */
export function encodeChatRequest(given: ChatRequest, target: EncodeTarget): EncodedRequest {
  const isOwn = given.protocol === 'openai-chat'
  const { request, renamed } = isOwn ? { request: given } : withLegalNames(given, TOOL_NAMES)
  if (request.previousResponseId !== undefined)
    throw untranslatable(
      'previous_response_id',
      'The model that was chosen keeps no answers. Send the whole conversation instead of previous_response_id.',
    )
  const { messages, losses: lostInMessages } = encodeMessages(request, target)
  const tools = encodeTools(request, target)
  const settings = encodeSettings(request, target)
  const own = request.extras?.protocol === 'openai-chat' ? request.extras.fields : {}
  const { stream_options: streamOptions, ...others } = own
  return {
    body: {
      model: target.model,
      messages: needsWish(request) ? [JSON_WISH, ...messages] : messages,
      ...tools.fields,
      ...settings.fields,
      ...others,
      ...(request.stream
        ? { stream: true, stream_options: { ...fieldsOf(streamOptions), include_usage: true } }
        : {}),
    },
    losses: [
      ...settings.losses,
      ...tools.losses,
      ...lostInMessages,
      ...lostExtras(request.extras, 'openai-chat'),
    ],
    standIns: renamed === undefined ? tools.standIns : { ...tools.standIns, renamed },
  }
}

function needsWish({ protocol, settings, messages }: ChatRequest): boolean {
  if (protocol === 'openai-chat' || settings.responseFormat?.kind !== 'json') return false
  return !messages.some(({ parts }) => parts.some((part) => part.kind === 'text' && /json/i.test(part.text)))
}
