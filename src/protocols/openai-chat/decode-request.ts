import type { ChatRequest } from '../request'
import { decodeMessages } from './decode-messages'
import { decodeSettings } from './decode-settings'
import { decodeTools } from './decode-tools'
import { extrasOf, needObject, readBoolean, readObject, readText } from './read-fields'
import { isEffort, REASONING_FIELDS } from './reasoning-settings'

const TOP_FIELDS = [
  ...(['model', 'messages', 'stream', 'stream_options', 'tools', 'functions', 'web_search_options'] as const),
  ...REASONING_FIELDS,
]

/** A chat completion's request in canonical form. @throws SluiceError `invalid_request` naming the field */
export function decodeChatRequest(value: unknown): ChatRequest {
  const body = needObject(value, 'body')
  const { settings, names } = decodeSettings(body)
  const { include_usage: includeUsage, ...streamOptions } =
    readObject(body.stream_options, 'stream_options') ?? {}
  const known = new Set<string>([...TOP_FIELDS, ...Object.values(names)])
  // A grade that only its provider knows travels on as it is.
  if (typeof body.reasoning_effort === 'string' && !isEffort(body.reasoning_effort))
    known.delete('reasoning_effort')
  if (Object.keys(streamOptions).length > 0) known.delete('stream_options')
  const extras = extrasOf({ ...body, stream_options: streamOptions }, known, '')
  return {
    protocol: 'openai-chat',
    model: readText(body.model, 'model'),
    stream: readBoolean(body.stream, 'stream') ?? false,
    wantsStreamUsage: includeUsage === true,
    messages: decodeMessages(body.messages),
    tools: decodeTools(body),
    settings,
    names,
    ...(extras === undefined ? {} : { extras }),
  }
}
