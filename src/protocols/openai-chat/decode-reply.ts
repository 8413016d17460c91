import type { ChatReply, Choice } from '../answer'
import { madeCallId } from '../call-ids'
import { fieldsOf, listOf, numberOf, textOf } from '../fields'
import type { Citation, Part } from '../parts'
import { argumentsOf, assistantParts, decodeCall } from './assistant'
import { thinkingOf } from './decode-content'
import { decodeFinish, finishReasonOf, stopSequenceOf } from './finish'
import { decodeUrl } from './media'
import { errorOf } from './reply'
import { sourcesOf } from './sources'
import { findChatUsage } from './usage'

type Fields = Readonly<Record<string, unknown>>

/** A chat completion in canonical form. @throws Error with the reason when this is none */
export function decodeChatReply(body: unknown): ChatReply {
  const fields = fieldsOf(body)
  const error = errorOf(fields)
  if (error !== undefined) throw new Error(error.message)
  if (!Array.isArray(fields.choices)) throw new Error("it has no 'choices'")
  let calls = 0
  const sources = sourcesOf(fields)
  return {
    id: textOf(fields.id),
    model: textOf(fields.model),
    createdAtSeconds: numberOf(fields.created),
    choices: fields.choices.map((choice, place) =>
      decodeChoice(fieldsOf(choice), { place, sources, nextCallId: () => madeCallId(calls++) }),
    ),
    usage: findChatUsage(body),
    serviceTier: textOf(fields.service_tier),
  }
}

/** Pieces of an answer's content; a few servers put their thinking there. */
export function replyContent(content: unknown): Part[] {
  if (typeof content === 'string') return content === '' ? [] : [{ kind: 'text', text: content }]
  return listOf(content).flatMap((piece): Part[] => {
    const { type, text, thinking, refusal, image_url: image } = fieldsOf(piece)
    const url = textOf(fieldsOf(image).url)
    if (type === 'thinking') return [{ kind: 'reasoning', text: thinkingOf(thinking) }]
    if (type === 'refusal') return [{ kind: 'refusal', text: textOf(refusal) ?? '' }]
    if (url !== undefined) return [{ kind: 'image', media: decodeUrl(url) }]
    return typeof text === 'string' && text !== '' ? [{ kind: 'text', text }] : []
  })
}

function decodeChoice(
  choice: Fields,
  given: { place: number; sources: readonly Citation[]; nextCallId: () => string },
): Choice {
  const { place, sources, nextCallId } = given

  const message = fieldsOf(choice.message)
  const calls = listOf(message.tool_calls).map((call) => decodeCall(call, { id: nextCallId() }))
  const parts = assistantParts(message, {
    content: replyContent(message.content),
    calls: [...calls, ...legacyCall(message.function_call, nextCallId)],
    sources,
  })
  const stopSequence = stopSequenceOf(choice)
  const held = {
    hasCalls: parts.some(({ kind }) => kind === 'tool_call'),
    hasRefusal: parts.some(({ kind }) => kind === 'refusal'),
    stopSequence,
  }
  const reason = finishReasonOf(choice)
  return {
    index: numberOf(choice.index) ?? place,
    parts,
    finish: reason === undefined ? 'other' : decodeFinish(reason, held),
    ...(stopSequence === undefined ? {} : { stopSequence }),
    ...(choice.logprobs === undefined || choice.logprobs === null ? {} : { logprobs: choice.logprobs }),
  }
}

function legacyCall(value: unknown, nextCallId: () => string): Part[] {
  const { name, arguments: json } = fieldsOf(value)
  const known = textOf(name)
  return known === undefined
    ? []
    : [{ kind: 'tool_call', id: nextCallId(), name: known, argumentsJson: argumentsOf(json) }]
}
