import { argumentsPath } from '../call-input'
import type { EncodeTarget } from '../codec'
import { jsonOf } from '../fields'
import type { Part } from '../parts'
import type { WireProtocolId } from '../protocol'
import type { ChatRequest, Message } from '../request'
import { invalidField, lostExtras } from '../untranslatable'
import { type ContentContext, encodeContent, isContent } from './encode-content'
import { isRich } from './encode-settings'
import { encodeStandInInput } from './encode-tools'
import { encodeDetails, encodeThoughtSignature } from './reasoning-details'

type PartOf<Kind extends Part['kind']> = Extract<Part, { kind: Kind }>
type Fields = Record<string, unknown>

interface Context extends ContentContext {
  /** Whose words errors use. */
  client: WireProtocolId
  canCustom: boolean
  canDeveloper: boolean
  /** Reasoning without a proof goes back only while its tool calls are being answered. */
  openTurnFrom: number
}

/** Without one of these a message must have a content. */
const SAYING = ['tool_calls', 'refusal', 'audio'] as const

/** The messages of a conversation in the words of chat completions. */
export function encodeMessages(
  request: ChatRequest,
  target: EncodeTarget,
): { messages: Fields[]; losses: string[] } {
  const isOwn = request.protocol === 'openai-chat'
  const isRichTarget = isRich(request, target)
  const losses: string[] = []
  const all = isOwn ? request.messages : merged(request.messages, losses)
  const context: Context = {
    isOwn,
    client: request.protocol,
    losses,
    canCustom: isRichTarget,
    canDeveloper: isRichTarget,
    openTurnFrom: 1 + all.findLastIndex(isQuestion),
  }
  const messages: Fields[] = []
  for (let at = 0; at < all.length; ) {
    const turn = all.slice(at, nextAssistant(all, at))
    if (turn.length > 0) messages.push(...encodeTurn(turn, context))
    at += turn.length
    const answer = all[at]
    if (answer !== undefined) messages.push(...encodeAssistant(answer, { ...context, place: at }))
    at++
  }
  return { messages, losses: context.losses }
}

// Calls must stand in the message whose answers follow, so an answer told in several messages is one here.
function merged(messages: readonly Message[], losses: string[]): Message[] {
  const result: Message[] = []
  for (const message of messages) {
    const before = result.at(-1)
    if (before?.role === 'assistant' && message.role === 'assistant') {
      losses.push(...lostExtras(message.extras, 'openai-chat'))
      result[result.length - 1] = { ...before, parts: [...before.parts, ...message.parts] }
    } else result.push(message)
  }
  return result
}

function isQuestion({ role, parts }: Message): boolean {
  return role === 'user' && parts.some(({ kind }) => kind !== 'tool_result')
}

function nextAssistant(messages: readonly Message[], from: number): number {
  const next = messages.findIndex(({ role }, index) => index >= from && role === 'assistant')
  return next === -1 ? messages.length : next
}

// The results of tools must follow their calls at once, before whatever else is said.
function encodeTurn(turn: readonly Message[], context: Context): Fields[] {
  const results = turn.flatMap(({ parts }) => parts.filter((part) => part.kind === 'tool_result'))
  const pictures: Part[] = []
  const told = results.map((result) => encodeResult(result, { context, pictures }))
  const shown = encodeContent(pictures, context)
  return [
    ...told,
    ...(shown === undefined ? [] : [{ role: 'user', content: shown }]),
    ...turn.flatMap((message) => encodeSaid(message, context)),
  ]
}

function encodeSaid(message: Message, context: Context): Fields[] {
  const { role, name, parts, extras } = message
  context.losses.push(...lostExtras(extras, 'openai-chat'))
  if (parts.length > 0 && parts.every(({ kind }) => kind === 'tool_result')) return []
  const content = encodeContent(parts, context)
  if (content === undefined && !context.isOwn) return []
  return [
    {
      role: role === 'developer' && !context.canDeveloper ? 'system' : role,
      ...(name === undefined ? {} : { name }),
      content: content ?? '',
      ...ownFields(message),
    },
  ]
}

// Results are text here; what they show follows as a message of the user's.
function encodeResult(
  result: PartOf<'tool_result'>,
  { context, pictures }: { context: Context; pictures: Part[] },
): Fields {
  const { callId, name, parts, isError, at = 'messages', cache } = result
  const texts = parts.filter(({ kind }) => context.isOwn || kind === 'text' || kind === 'native')
  const others = parts.filter((part) => isContent(part) && !texts.includes(part))
  if (others.length > 0)
    pictures.push({ kind: 'text', text: `The tool call ${callId} returned this:` }, ...others)
  if (cache !== undefined && !context.isOwn) context.losses.push(`${at}.cache_control`)
  const content = encodeContent(texts, context) ?? (others.length > 0 ? 'See the next message.' : '')
  return {
    role: 'tool',
    tool_call_id: callId,
    ...(name !== undefined && context.isOwn ? { name } : {}),
    content: isError === true ? asError(content) : content,
    ...(cache === undefined || !context.isOwn ? {} : { cache_control: { type: 'ephemeral', ...cache } }),
  }
}

function asError(content: unknown): unknown {
  return Array.isArray(content) ? [{ type: 'text', text: 'Error:' }, ...content] : `Error: ${String(content)}`
}

function encodeAssistant(message: Message, context: Context & { place: number }): Fields[] {
  const { name, parts, extras } = message
  context.losses.push(...lostExtras(extras, 'openai-chat'))
  const calls = parts.flatMap((part) => (part.kind === 'tool_call' ? [encodeCall(part, context)] : []))
  const refusal = parts.map((part) => (part.kind === 'refusal' ? part.text : '')).join('')
  // An answer's texts are pieces of one, cut where it cites or calls.
  const content = encodeContent(parts.filter(isContent), context, '')
  const audio = parts.find((part) => part.kind === 'audio' && part.media.kind === 'file_id')
  const signed = parts.findLast((part) => part.kind === 'text' && part.proof !== undefined)
  const beside = {
    ...reasoningFields(parts, context),
    ...(refusal === '' ? {} : { refusal }),
    ...(audio?.kind === 'audio' && audio.media.kind === 'file_id' ? { audio: { id: audio.media.id } } : {}),
    ...(signed?.kind === 'text' ? encodeThoughtSignature(signed.proof) : {}),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  }
  if (content === undefined && Object.keys(beside).length === 0 && !context.isOwn) return []
  return [
    {
      role: 'assistant',
      ...(name === undefined ? {} : { name }),
      content: content ?? (SAYING.some((field) => field in beside) ? null : ''),
      ...beside,
      ...ownFields(message),
    },
  ]
}

function encodeCall(call: PartOf<'tool_call'>, { canCustom, client }: Context): Fields {
  const { id, name, argumentsJson, isCustom, proof, at = 'messages' } = call
  const signature = encodeThoughtSignature(proof)
  if (isCustom === true && canCustom)
    return { id, type: 'custom', custom: { name, input: argumentsJson }, ...signature }
  const json = isCustom === true ? encodeStandInInput(argumentsJson) : argumentsJson.trim()
  const path = argumentsPath(at, client)
  if (json !== '' && jsonOf(json) === undefined)
    throw invalidField(path, `Invalid '${path}': the arguments of a call must be JSON.`)
  return { id, type: 'function', function: { name, arguments: json === '' ? '{}' : json }, ...signature }
}

/**
 * Reasoning of another model's may not go on as this one's. Without a proof it came from a server of this protocol,
 * and several of them (DeepSeek, "Thinking Mode"; Kimi) want it back while a turn of tool calls lasts.
 */
function reasoningFields(parts: readonly Part[], context: Context & { place: number }): Fields {
  const all = parts.filter((part) => part.kind === 'reasoning')
  const plain = all.filter(({ proof }) => proof === undefined)
  const proven = all.filter(
    ({ proof }) => proof !== undefined && (context.isOwn || proof.family === 'openai'),
  )
  // A family that signs its calls and texts instead has said whose reasoning it is, too.
  const isForeign = parts.some(
    (part) => 'proof' in part && part.proof !== undefined && part.proof.family !== 'openai',
  )
  const mayTell = context.isOwn || (context.place >= context.openTurnFrom && !isForeign)
  const told = all.filter((part) => (part.proof === undefined ? mayTell : proven.includes(part)))
  context.losses.push(...all.filter((part) => !told.includes(part)).map(({ at }) => at ?? 'reasoning'))
  if (proven.length > 0)
    return { reasoning_details: told.flatMap((part, index) => encodeDetails(part, index)) }
  return mayTell && plain.length > 0 ? { reasoning_content: plain.map(({ text }) => text).join('\n\n') } : {}
}

function ownFields({ extras }: Message): Fields {
  return extras?.protocol === 'openai-chat' ? { ...extras.fields } : {}
}
