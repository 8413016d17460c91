import { isObject, textOf } from '../fields'
import type { Address } from '../protocol'
import type { ChatRequest, Message, Role } from '../request'
import { invalidField } from '../untranslatable'
import { type CallIds, callIds } from './call-ids'
import { decodeConfig, decodeServiceTier, toolConfigOf } from './decode-config'
import { decodeParts, joinedThoughts } from './decode-parts'
import { decodeToolChoice, decodeTools } from './decode-tools'
import { camelFields, listAt, objectAt, textAt } from './spelling'

/** Google's roles; `function` is what results of calls had before they came from the user. */
const ROLES: ReadonlyMap<string, Role> = new Map<string, Role>([
  ['user', 'user'],
  ['function', 'user'],
  ['model', 'assistant'],
])

/** A generateContent request in canonical form; `address` is what its path says. */
export function decodeGeminiRequest(body: unknown, address?: Address): ChatRequest {
  if (!isObject(body)) throw invalidField('contents', 'The body must be a JSON object with contents.')
  const { contents, systemInstruction, tools, toolConfig, generationConfig, ...others } = camelFields(body)
  const { model, serviceTier, store, ...unknown } = others
  const config = decodeConfig(generationConfig, 'generationConfig')
  const { functionCallingConfig, ...ownToolConfig } = toolConfigOf(toolConfig)
  const { choice, isValidated } = decodeToolChoice(functionCallingConfig)
  const tier = decodeServiceTier(serviceTier)
  const extras = {
    ...unknown,
    ...config.extras,
    ...Object.fromEntries(
      Object.entries(ownToolConfig).map(([name, field]) => [`toolConfig.${name}`, field]),
    ),
    ...(isValidated ? { 'toolConfig.functionCallingConfig.mode': 'VALIDATED' } : {}),
  }
  return {
    protocol: 'gemini',
    model: address?.model ?? textOf(model)?.replace(/^models\//, ''),
    stream: address?.stream === true,
    wantsStreamUsage: true,
    messages: [...systemMessages(systemInstruction), ...decodeContents(contents)],
    tools: decodeTools(tools),
    settings: {
      ...config.settings,
      ...(choice === undefined ? {} : { toolChoice: choice }),
      ...(tier === undefined ? {} : { serviceTier: tier }),
      ...(typeof store === 'boolean' ? { store } : {}),
    },
    names: {
      ...config.names,
      toolChoice: 'toolConfig.functionCallingConfig',
      serviceTier: 'serviceTier',
      store: 'store',
    },
    ...(Object.keys(extras).length === 0
      ? {}
      : { extras: { protocol: 'gemini', fields: extras, at: '' } as const }),
  }
}

function systemMessages(value: unknown): Message[] {
  if (value === undefined) return []
  const at = 'systemInstruction'
  const { parts } = objectAt(value, at)
  return [{ role: 'system', parts: decodeParts(parts, `${at}.parts`, callIds()), at }]
}

function decodeContents(value: unknown): Message[] {
  if (value === undefined)
    throw invalidField('contents', "Missing required field: 'contents'.", 'missing_required_parameter')
  const contents = listAt(value, 'contents')
  if (contents.length === 0)
    throw invalidField('contents', "'contents' is empty. Give at least one content.", 'empty_array')
  const ids = callIds()
  return joinedTurns(contents.map((content, index) => decodeContent(content, `contents[${index}]`, ids)))
}

// Clients that keep a stream as it came bring back a content for each piece of the model's turn.
function joinedTurns(messages: readonly Message[]): Message[] {
  const turns: Message[] = []
  for (const message of messages) {
    const before = turns.at(-1)
    const goesOn =
      before?.role === 'assistant' && message.role === 'assistant' && message.extras === undefined
    if (before === undefined || !goesOn) turns.push(message)
    else turns.splice(-1, 1, { ...before, parts: joinedThoughts([...before.parts, ...message.parts]) })
  }
  return turns
}

function decodeContent(value: unknown, at: string, ids: CallIds): Message {
  const { role = 'user', parts, ...others } = objectAt(value, at)
  const known = ROLES.get(textAt(role, `${at}.role`))
  if (known === undefined)
    throw invalidField(`${at}.role`, `Invalid value at '${at}.role': expected user or model.`)
  return {
    role: known,
    parts: decodeParts(parts, `${at}.parts`, ids),
    at,
    ...(Object.keys(others).length === 0
      ? {}
      : { extras: { protocol: 'gemini', fields: others, at } as const }),
  }
}
