import type { ChatReply, Choice } from '../answer'
import { uniqueCallId } from '../call-ids'
import type { ReplyContext } from '../codec'
import type { Part } from '../parts'
import { openAiTier } from '../service-tiers'
import { encodeAnnotation } from './annotations'
import { encodeChatUsage } from './encode-usage'
import { encodeFinish } from './finish'
import { encodeImage } from './media'
import { encodeDetails, encodeThoughtSignature } from './reasoning-details'

type PartOf<Kind extends Part['kind']> = Extract<Part, { kind: Kind }>
type Fields = Record<string, unknown>

/** An answer as a chat completion. */
export function encodeChatReply(reply: ChatReply, context: ReplyContext): Fields {
  const { id, model, createdAtSeconds, choices, usage, serviceTier } = reply
  const style = styleOf(context)
  return {
    id: completionId(id, context),
    object: 'chat.completion',
    created: createdAtSeconds ?? context.nowSeconds,
    model: model ?? context.model,
    choices: choices.map((choice) => encodeChoice(choice, style)),
    ...(usage === undefined ? {} : { usage: encodeChatUsage(usage) }),
    ...(serviceTier === undefined ? {} : { service_tier: openAiTier(serviceTier) }),
  }
}

/** The upstream's id where it is one of this protocol, else one of ours. */
export function completionId(id: string | undefined, { replyId }: ReplyContext): string {
  return id?.startsWith('chatcmpl-') === true ? id : `chatcmpl-${replyId}`
}

/** How a client wants to be told. */
export interface ReplyStyle {
  /** It gave `functions`, and knows nothing of `tool_calls`. */
  isLegacy: boolean
  /** It asked for reasoning to be kept to itself. */
  hidesReasoning: boolean
  /** Makes the ids of calls that have none unique. */
  replyId: string
}

/** What the request says about the style of its answer. */
export function styleOf({ request, replyId }: ReplyContext): ReplyStyle {
  const isLegacy =
    request.tools.length > 0 &&
    request.tools.every(({ at }) => !at.startsWith('tools')) &&
    request.tools.some(({ at }) => at.startsWith('functions'))
  return { isLegacy, hidesReasoning: request.settings.reasoning?.shown === 'none', replyId }
}

/** A call as an entry of `tool_calls`; no arguments are the empty object. */
export function encodeReplyCall(
  call: Pick<PartOf<'tool_call'>, 'id' | 'name' | 'argumentsJson' | 'isCustom' | 'proof'>,
  { replyId }: Pick<ReplyStyle, 'replyId'>,
): Fields {
  const { id, name, argumentsJson, isCustom, proof } = call
  const called =
    isCustom === true
      ? { type: 'custom', custom: { name, input: argumentsJson } }
      : {
          type: 'function',
          function: { name, arguments: argumentsJson.trim() === '' ? '{}' : argumentsJson },
        }
  return { id: uniqueCallId(id, replyId), ...called, ...encodeThoughtSignature(proof) }
}

/** The sound of an answer. */
export function encodeAudio({ media, id, transcript }: PartOf<'audio'>): Fields | undefined {
  if (media.kind !== 'base64') return undefined
  return { id: id ?? 'audio', data: media.base64, transcript: transcript ?? '' }
}

function encodeChoice(choice: Choice, style: ReplyStyle): Fields {
  const { index, parts, finish, logprobs } = choice
  const reason = encodeFinish(finish, { hasRefusal: parts.some(({ kind }) => kind === 'refusal') })
  return {
    index,
    message: encodeMessage(parts, style),
    logprobs: logprobs ?? null,
    finish_reason: style.isLegacy && reason === 'tool_calls' ? 'function_call' : reason,
  }
}

function encodeMessage(parts: readonly Part[], style: ReplyStyle): Fields {
  const text = textOfKind(parts, 'text')
  const refusal = textOfKind(parts, 'refusal')
  const calls = parts.filter((part) => part.kind === 'tool_call')
  const audio = parts.find((part) => part.kind === 'audio')
  const sound = audio === undefined ? undefined : encodeAudio(audio)
  const images = parts
    .filter((part) => part.kind === 'image')
    .flatMap(({ media }, index) => encodeImage(media, index))
  // OpenAI leaves the content out only when something else stands for it; clients trust it to be a text.
  const hasOther = calls.length > 0 || refusal !== undefined || sound !== undefined
  const signed = parts.findLast((part) => part.kind === 'text' && part.proof !== undefined)
  return {
    role: 'assistant',
    content: text ?? (hasOther ? null : ''),
    refusal: refusal ?? null,
    ...(style.hidesReasoning ? {} : reasoningFields(parts)),
    ...listField('annotations', annotationsOf(parts)),
    ...listField('images', images),
    ...(sound === undefined ? {} : { audio: sound }),
    ...(signed?.kind === 'text' ? encodeThoughtSignature(signed.proof) : {}),
    ...callFields(calls, style),
  }
}

function callFields(calls: readonly PartOf<'tool_call'>[], style: ReplyStyle): Fields {
  const [first] = calls
  if (first === undefined) return {}
  return style.isLegacy
    ? { function_call: encodeReplyCall({ ...first, isCustom: false }, style).function }
    : { tool_calls: calls.map((call) => encodeReplyCall(call, style)) }
}

function reasoningFields(parts: readonly Part[]): Fields {
  const reasoning = parts.filter((part) => part.kind === 'reasoning')
  const text = textOfKind(parts, 'reasoning')
  return {
    ...(text === undefined ? {} : { reasoning_content: text }),
    ...listField(
      'reasoning_details',
      reasoning.flatMap((part, index) => encodeDetails(part, index)),
    ),
  }
}

// The texts become one, so a place in a later one moves by the length of those before.
function annotationsOf(parts: readonly Part[]): Fields[] {
  let offset = 0
  return parts.flatMap((part) => {
    if (part.kind !== 'text') return []
    const before = offset
    offset += part.text.length
    return (part.citations ?? []).flatMap((citation) =>
      encodeAnnotation({
        ...citation,
        startIndex: (citation.startIndex ?? 0) + before,
        endIndex: (citation.endIndex ?? part.text.length) + before,
      }),
    )
  })
}

function textOfKind(parts: readonly Part[], kind: 'text' | 'refusal' | 'reasoning'): string | undefined {
  const told = parts.flatMap((part) => (part.kind === kind && 'text' in part ? [part.text] : []))
  const text = told.join('')
  return text === '' ? undefined : text
}

function listField(name: string, list: readonly unknown[]): Fields {
  return list.length === 0 ? {} : { [name]: list }
}
