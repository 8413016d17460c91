import type { ChatReply } from '../protocols/answer'
import { collect } from '../protocols/collect'
import { fieldsOf, jsonOf, listOf } from '../protocols/fields'
import { collectChatStream } from '../protocols/openai-chat/collect'
import { mediaEndpoints } from '../protocols/openai-media/table'
import type { Protocol } from '../protocols/protocol'
import type { ChatRequest } from '../protocols/request'
import { protocols, upstreamCodecs } from '../protocols/table'
import { GIVEN_PROTOCOL, presentGivenBodies } from './given-bodies'
import { presentLog } from './present'
import type { LogRow } from './query'

const CHAT = 'openai-chat'

/** What is shown of a log only with its bodies. */
export const BODY_FIELDS: readonly string[] = [
  ...['full_request', 'full_response', 'response_stream', 'prompt_messages', 'completion_message'],
  ...['completion_messages', 'input', 'output', 'tools', 'tool_choice'],
]

/** What reading the bodies of a log needs to know of it. */
export type BodyFacts = Pick<LogRow, 'protocol' | 'stream' | 'statusCode' | 'upstreamModel'>

/** What the bodies of a log say: whole, and, whatever protocol they are in, in the parts that people look for. */
export function presentBodies(row: LogRow, bodies: Record<'request' | 'response', Uint8Array | undefined>) {
  return partsOfBodies(row, bodies, row.protocol === GIVEN_PROTOCOL ? presentLog(row) : {})
}

/** The same; a name that is taken is not used for what the sender of a log told beside the known fields. */
export function partsOfBodies(
  row: BodyFacts,
  bodies: Record<'request' | 'response', Uint8Array | undefined>,
  taken: object,
) {
  if (row.protocol === GIVEN_PROTOCOL) return presentGivenBodies(bodies, taken)
  const request = jsonOrText(bodies.request)
  const isStream = isStreamed(row, bodies.response)
  const { fullResponse, chatRequest, chatReply } = readBodies(row, {
    request,
    response: bodies.response,
    isStream,
  })
  const { messages, tools, tool_choice } = fieldsOf(chatRequest)
  const completionMessages = listOf(fieldsOf(chatReply).choices).map((choice) => fieldsOf(choice).message)
  return {
    full_request: request ?? null,
    full_response: fullResponse ?? null,
    response_stream: isStream ? new TextDecoder().decode(bodies.response) : null,
    prompt_messages: messages ?? [],
    completion_message: completionMessages[0] ?? null,
    completion_messages: completionMessages,
    input: messages === undefined ? null : JSON.stringify(messages),
    output: completionMessages[0] === undefined ? null : JSON.stringify(completionMessages[0]),
    tools: tools ?? null,
    tool_choice: tool_choice ?? null,
  }
}

/** Both bodies as values: JSON, or text; a stream as the reply that it adds up to. */
export function wholeBodies(row: BodyFacts, bodies: Record<'request' | 'response', Uint8Array | undefined>) {
  const request = jsonOrText(bodies.request)
  const { response } = bodies
  const isStream = row.protocol !== GIVEN_PROTOCOL && isStreamed(row, response)
  return {
    request,
    response: isStream ? readBodies(row, { request, response, isStream }).fullResponse : jsonOrText(response),
  }
}

function isStreamed({ stream, statusCode }: BodyFacts, response: Uint8Array | undefined): boolean {
  return stream && statusCode !== 0 && response !== undefined && startsLikeEvents(response)
}

interface Read {
  fullResponse: unknown
  /** In the shape of a chat completion, which Respan's fields have. */
  chatRequest: unknown
  chatReply: unknown
}

function readBodies(
  row: BodyFacts,
  given: { request: unknown; response: Uint8Array | undefined; isStream: boolean },
): Read {
  const { request, response, isStream } = given
  const media = Object.values(mediaEndpoints).find(({ id }) => id === row.protocol)
  if (media !== undefined) {
    const whole = isStream && response !== undefined ? media.collectStream?.(response) : jsonOrText(response)
    return { fullResponse: whole, chatRequest: undefined, chatReply: undefined }
  }
  const protocol = Object.values(protocols).find(({ id }) => id === row.protocol)
  if (protocol === undefined || protocol.id === CHAT) {
    const reply = isStream && response !== undefined ? collectChatStream(response) : jsonOrText(response)
    return { fullResponse: reply, chatRequest: request, chatReply: reply }
  }
  const decoded = attempted(() =>
    protocol.codec?.decodeRequest(request, { model: row.upstreamModel ?? '', stream: row.stream }),
  )
  const reply = attempted(() => replyOf(protocol, response, isStream))
  const whole = isStream ? attempted(() => encoded(protocol, decoded, reply)) : jsonOrText(response)
  return {
    fullResponse: whole,
    chatRequest: attempted(() => asChatRequest(decoded)),
    chatReply: attempted(() => encoded(protocols[CHAT], decoded, reply)),
  }
}

function replyOf(
  protocol: Protocol,
  response: Uint8Array | undefined,
  isStream: boolean,
): ChatReply | undefined {
  if (response === undefined) return undefined
  const codec = upstreamCodecs[protocol.speaks]
  if (!isStream) return codec.decodeReply(jsonOf(new TextDecoder().decode(response)))
  const decoder = codec.eventDecoder()
  return collect([...decoder.feed(response), ...decoder.end()])
}

function asChatRequest(request: ChatRequest | undefined): unknown {
  if (request === undefined) return undefined
  return upstreamCodecs[CHAT].encodeRequest(request, { model: request.model ?? '', traits: {} }).body
}

function encoded(
  protocol: Protocol,
  request: ChatRequest | undefined,
  reply: ChatReply | undefined,
): unknown {
  if (request === undefined || reply === undefined) return undefined
  const context = {
    request,
    model: reply.model ?? '',
    replyId: 'log',
    nowSeconds: reply.createdAtSeconds ?? 0,
  }
  return protocol.codec?.encodeReply(reply, context)
}

// A log shows what can be shown of a body that is broken or cut.
function attempted<Value>(read: () => Value): Value | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

function jsonOrText(bytes: Uint8Array | undefined): unknown {
  if (bytes === undefined) return undefined
  const text = new TextDecoder().decode(bytes)
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

// An error that came instead of a stream is JSON; events begin with a field name, a comment or a byte order mark.
function startsLikeEvents(bytes: Uint8Array): boolean {
  const first = bytes[0]
  return first !== 0x7b && first !== 0x5b && first !== 0x3c
}
