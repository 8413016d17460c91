import type { EncodeTarget, ModelTraits } from '../../../src/protocols/codec'
import type { Part } from '../../../src/protocols/parts'
import type { ChatRequest, Message, Role, Settings, Tool } from '../../../src/protocols/request'

/** A message from each of its parts' essentials; paths are those of a chat completion. */
export type Said = [Role, ...Part[]]

/** A request as a client's decoder would leave it. */
export function chatRequest(said: readonly Said[], more: Partial<ChatRequest> = {}): ChatRequest {
  const messages = said.map(([role, ...parts], index): Message => {
    const at = `messages[${index}]`
    return { role, at, parts: parts.map((part, place) => ({ ...part, at: `${at}.content[${place}]` })) }
  })
  return {
    protocol: 'openai-chat',
    model: 'claude',
    stream: false,
    wantsStreamUsage: false,
    messages,
    tools: [],
    settings: {},
    names: {},
    ...more,
  }
}

/** A request of one sentence, for what is about settings. */
export function asked(settings: Settings, more: Partial<ChatRequest> = {}): ChatRequest {
  return chatRequest([['user', text('Hi')]], { settings, ...more })
}

export function claude(traits: ModelTraits = {}): EncodeTarget {
  return { model: 'us.anthropic.claude-sonnet-4-5-20250929-v1:0', traits }
}

export function text(content: string): Part {
  return { kind: 'text', text: content }
}

export function call(id: string, argumentsJson: string, name = 'get_weather'): Part {
  return { kind: 'tool_call', id, name, argumentsJson }
}

export function result(callId: string, ...parts: Part[]): Part {
  return { kind: 'tool_result', callId, parts }
}

export function thought(content: string, signature: string): Part {
  return { kind: 'reasoning', text: content, proof: { family: 'anthropic', signature } }
}

export const weather: Tool = {
  kind: 'function',
  name: 'get_weather',
  description: 'Get the weather of a city.',
  parameters: {
    type: 'object',
    properties: { city: { type: 'string' }, unit: { type: 'string', enum: ['c', 'f'] } },
    required: ['city'],
  },
  at: 'tools[0]',
}
