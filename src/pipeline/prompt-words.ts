import type { PromptMessage } from '../platform/prompt-content'
import { conversations } from '../protocols/conversation'
import type { Protocol } from '../protocols/protocol'
import { protocols, upstreamCodecs } from '../protocols/table'

/** Messages as a protocol writes them. */
export interface Turns {
  turns: readonly unknown[]
  /** What is told before them, where that is no message. */
  system?: unknown
}

/** Settings as a protocol writes them, and those that it has no words for. */
export interface WrittenSettings {
  fields: Readonly<Record<string, unknown>>
  losses: readonly string[]
}

const NO_MESSAGES = [{ role: 'user', content: '.' }]
/** A model that takes everything: what the real one does not take is found out when it is asked. */
const NO_TRAITS = { hasStructuredOutput: true } as const

const written = new WeakMap<object, Map<string, WrittenSettings>>()

/**
 * Messages of chat completions in a client's own protocol.
 * @throws SluiceError `invalid_request` or `untranslatable` naming the message
 */
export function turnsIn({ speaks }: Protocol, messages: readonly PromptMessage[]): Turns {
  const conversation = conversations[speaks]
  if (speaks === 'openai-chat' || conversation === undefined) return { turns: messages }
  if (messages.length === 0) return { turns: [] }
  const { body } = encoded(speaks, { messages })
  const turns = body[conversation.turns]
  const system = conversation.system === undefined ? undefined : body[conversation.system]
  return { turns: Array.isArray(turns) ? turns : [], ...(system === undefined ? {} : { system }) }
}

/**
 * Settings of chat completions in a client's own protocol; written once for the same object.
 * @throws SluiceError `invalid_request` naming the setting
 */
export function settingsIn(
  { speaks }: Protocol,
  parameters: Readonly<Record<string, unknown>>,
): WrittenSettings {
  if (speaks === 'openai-chat') return { fields: parameters, losses: [] }
  const known = written.get(parameters)?.get(speaks)
  if (known !== undefined) return known
  const { body: usual } = encoded(speaks, { messages: NO_MESSAGES })
  const { body, losses } = encoded(speaks, { messages: NO_MESSAGES, ...parameters })
  const own = Object.entries(body).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(usual[name]),
  )
  const settings = { fields: Object.fromEntries(own), losses }
  written.set(parameters, new Map([...(written.get(parameters) ?? []), [speaks, settings]]))
  return settings
}

function encoded(
  speaks: Protocol['speaks'],
  chat: object,
): { body: Readonly<Record<string, unknown>>; losses: readonly string[] } {
  const request = protocols['openai-chat'].codec?.decodeRequest(chat)
  if (request === undefined) return { body: {}, losses: [] }
  return upstreamCodecs[speaks].encodeRequest(request, { model: 'prompt', traits: NO_TRAITS })
}
