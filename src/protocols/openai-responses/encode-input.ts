import type { EncodeTarget } from '../codec'
import { markOf } from '../mark'
import type { Part } from '../parts'
import type { ChatRequest, Message } from '../request'
import { untranslatable } from '../untranslatable'
import { encodeInputPart, ownExtras, placeOf } from './encode-content'

type Json = Record<string, unknown>

/** What holds for all items. */
interface Rules {
  /** The client speaks this protocol. */
  isOwn: boolean
  /** The model takes reasoning back. */
  canReason: boolean
}

const OWN = 'openai-responses'
/** A longer id is an error. */
const MOST_CALL_ID_LENGTH = 64

/** The conversation as `instructions` and the items of `input`, and what of it was left out. */
export function encodeInput(
  { messages, protocol }: ChatRequest,
  { traits }: EncodeTarget,
): {
  instructions: string | undefined
  input: Json[]
  losses: string[]
} {
  const losses: string[] = []
  const [first, ...others] = messages
  // Instructions alone are what is asked; without any input there is no answer.
  const instructions = others.length === 0 && protocol !== OWN ? undefined : instructionsOf(first)
  const isOwn = protocol === OWN
  const rules = { isOwn, canReason: isOwn || traits.reasoning !== 'none' }
  const rest = instructions === undefined ? messages : others
  return { instructions, input: rest.flatMap((message) => encodeMessage(message, rules, losses)), losses }
}

// One plain text at the beginning; anything richer is a message, which keeps its parts apart.
function instructionsOf(message: Message | undefined): string | undefined {
  const [part, ...others] = message?.parts ?? []
  const isPlain = message?.role === 'system' && others.length === 0 && message.extras === undefined
  if (!isPlain || part?.kind !== 'text' || part.cache !== undefined) return undefined
  return part.text === '' || part.extras !== undefined ? undefined : part.text
}

function encodeMessage(message: Message, rules: Rules, losses: string[]): Json[] {
  if (message.name !== undefined) losses.push(`${message.at}.name`)
  const extras = ownExtras(message, losses)
  const items: Json[] = []
  let content: Json[] = []
  const close = () => {
    if (content.length > 0) items.push({ type: 'message', role: message.role, content, ...extras })
    content = []
  }
  for (const part of message.parts) {
    const item = itemOf(part, message, rules, losses)
    if (item === undefined) content.push(...contentOf(part, message, rules, losses))
    else {
      close()
      items.push(...item)
    }
  }
  close()
  return items
}

/** The items of a part that stands beside messages; undefined for what is a message's content. */
function itemOf(part: Part, message: Message, rules: Rules, losses: string[]): Json[] | undefined {
  switch (part.kind) {
    case 'tool_call':
      return [encodeCall(part, losses)]
    case 'tool_result':
      return [encodeResult(part, losses)]
    case 'reasoning':
      return encodeReasoning(part, rules, losses)
    case 'native':
      // An item has its message to itself.
      return part.at === message.at && part.protocol === OWN ? encodeInputPart(part, losses) : undefined
    default:
      return undefined
  }
}

function contentOf(part: Part, { role }: Message, { isOwn }: Rules, losses: string[]): Json[] {
  if (role !== 'assistant') return encodeInputPart(part, losses)
  const extras = ownExtras(part, losses)
  if (part.kind === 'refusal') return [{ type: 'refusal', refusal: part.text, ...extras }]
  if (part.kind === 'native') return encodeInputPart({ ...part, extras: undefined }, losses)
  if (part.kind !== 'text') {
    throw untranslatable(placeOf(part), `An assistant's message cannot hold ${part.kind} here.`)
  }
  if (part.cache !== undefined) losses.push(`${placeOf(part)}.cache_control`)
  if (part.text === '') return []
  const annotations = (part.citations ?? []).flatMap(({ native }) =>
    isOwn && native?.protocol === 'openai-responses' ? [native.value] : [],
  )
  if (annotations.length < (part.citations?.length ?? 0)) losses.push(`${placeOf(part)}.citations`)
  return [
    {
      type: 'output_text',
      text: part.text,
      ...(annotations.length === 0 ? {} : { annotations }),
      ...extras,
    },
  ]
}

function encodeCall(part: Extract<Part, { kind: 'tool_call' }>, losses: string[]): Json {
  const { id, name, argumentsJson, isCustom } = part
  if (part.cache !== undefined) losses.push(`${placeOf(part)}.cache_control`)
  const call = { call_id: callId(id), name, ...ownExtras(part, losses) }
  return isCustom === true
    ? { type: 'custom_tool_call', ...call, input: argumentsJson }
    : { type: 'function_call', ...call, arguments: argumentsJson === '' ? '{}' : argumentsJson }
}

function encodeResult(part: Extract<Part, { kind: 'tool_result' }>, losses: string[]): Json {
  if (part.cache !== undefined) losses.push(`${placeOf(part)}.cache_control`)
  if (part.isError === true) losses.push(`${placeOf(part)}.is_error`)
  const [first, ...others] = part.parts
  const isPlain = others.length === 0 && (first === undefined || isPlainText(first))
  const text = first?.kind === 'text' ? first.text : ''
  return {
    type: part.isCustom === true ? 'custom_tool_call_output' : 'function_call_output',
    call_id: callId(part.callId),
    output: isPlain ? text : outputOf(part, losses),
    ...ownExtras(part, losses),
  }
}

// An output of nothing is an empty text, not an empty list.
function outputOf({ parts }: Extract<Part, { kind: 'tool_result' }>, losses: string[]): unknown {
  const output = parts.flatMap((inner) => encodeInputPart(inner, losses))
  return output.length === 0 ? '' : output
}

function isPlainText(part: Part): boolean {
  return part.kind === 'text' && part.cache === undefined && part.extras === undefined
}

/**
 * Reasoning goes back to who thought it. Without a state kept for the client an id alone leads nowhere, so only a
 * client of this protocol, who may have one, sends that.
 */
function encodeReasoning(
  part: Extract<Part, { kind: 'reasoning' }>,
  { isOwn, canReason }: Rules,
  losses: string[],
): Json[] {
  const { text, isSummary, proof } = part
  const isKnown = proof === undefined ? isOwn : proof.family === 'openai'
  if (!isKnown || !canReason || (!isOwn && proof?.encrypted === undefined)) {
    losses.push(placeOf(part))
    return []
  }
  const isTold = text !== ''
  return [
    {
      type: 'reasoning',
      ...(proof?.id === undefined ? {} : { id: proof.id }),
      summary: isTold && isSummary === true ? [{ type: 'summary_text', text }] : [],
      ...(isTold && isSummary !== true ? { content: [{ type: 'reasoning_text', text }] } : {}),
      ...(proof?.encrypted === undefined ? {} : { encrypted_content: proof.encrypted }),
      ...ownExtras(part, losses),
    },
  ]
}

/** The same short id for the same long one, wherever it occurs. */
function callId(id: string): string {
  if (id.length <= MOST_CALL_ID_LENGTH) return id
  const mark = markOf(id)
  return `${id.slice(0, MOST_CALL_ID_LENGTH - mark.length - 1)}_${mark}`
}
