import { fromBase64, toBase64 } from '../../platform/base64'
import type { ChatEvent } from '../answer'
import { fieldsOf, isObject, listOf, textOf } from '../fields'
import { decodeAnnotations } from './annotations'
import { callReader } from './decode-calls'
import { replyContent } from './decode-reply'
import { decodeFinish, finishReasonOf, stopSequenceOf } from './finish'
import { decodeImages } from './media'
import { decodeDetail, decodeThoughtSignature, goesOn, type ReasoningDetail } from './reasoning-details'

type Fields = Readonly<Record<string, unknown>>

/** Reads what chunks say of one choice. */
export interface ChoiceReader {
  read(choice: Fields): ChatEvent[]
  readonly isFinished: boolean
}

/** @param nextCallId an id for a call whose server gives none */
export function choiceReader(choice: number, nextCallId: () => string): ChoiceReader {
  const calls = callReader(choice, nextCallId)
  const readReasoning = reasoningReader(choice)
  const sound = soundReader(choice)
  let hasRefusal = false
  let isFinished = false
  const finish = (reason: string, stopSequence: string | undefined): ChatEvent[] => {
    isFinished = true
    const decoded = decodeFinish(reason, { hasCalls: calls.hasCalls, hasRefusal, stopSequence })
    return [
      ...sound.end(),
      ...calls.end(),
      { kind: 'finish', choice, reason: decoded, ...(stopSequence === undefined ? {} : { stopSequence }) },
    ]
  }
  return {
    read(fields) {
      // Some servers repeat the finish with the usage.
      if (isFinished) return []
      // A few send the whole message at the end of the stream, or instead of one.
      const delta = fieldsOf(fields.delta ?? fields.message)
      hasRefusal ||= textOf(delta.refusal) !== undefined
      const reason = finishReasonOf(fields)
      return [
        ...readReasoning(delta),
        ...textEvents(choice, delta, fields.logprobs),
        ...legacyCalls(delta).flatMap(calls.read),
        ...sound.read(delta.audio),
        ...(reason === undefined ? [] : finish(reason, stopSequenceOf(fields))),
      ]
    },
    get isFinished() {
      return isFinished
    },
  }
}

function textEvents(choice: number, delta: Fields, logprobs: unknown): ChatEvent[] {
  const refusal = textOf(delta.refusal)
  const proof = decodeThoughtSignature(delta.extra_content)
  const tokens = logprobs === undefined || logprobs === null ? {} : { logprobs }
  const content = replyContent(delta.content)
  return [
    ...content.map((part): ChatEvent => {
      if (part.kind === 'text') return { kind: 'text', choice, text: part.text, ...tokens }
      if (part.kind === 'refusal' || part.kind === 'reasoning')
        return { kind: part.kind, choice, text: part.text }
      return { kind: 'part', choice, part }
    }),
    ...(refusal === undefined ? [] : [{ kind: 'refusal', choice, text: refusal } as const]),
    ...decodeAnnotations(delta.annotations).map(
      (citation) => ({ kind: 'citation', choice, citation }) as const,
    ),
    ...(proof === undefined ? [] : [{ kind: 'proof', choice, of: 'text', proof } as const]),
    ...decodeImages(delta.images).map((part) => ({ kind: 'part', choice, part }) as const),
  ]
}

function legacyCalls(delta: Fields): unknown[] {
  const { tool_calls: calls, function_call: called } = delta
  return [...listOf(calls), ...(isObject(called) ? [{ index: -1, id: '', function: called }] : [])]
}

// The same reasoning often stands in two fields; the entries of `reasoning_details` say more.
function reasoningReader(choice: number): (delta: Fields) => ChatEvent[] {
  let before: ReasoningDetail | undefined
  let open: { proof?: ReasoningDetail['proof'] } = {}
  const detailEvents = (detail: ReasoningDetail): ChatEvent[] => {
    const isNext = before !== undefined && !goesOn(before, detail, open)
    open = isNext ? { proof: detail.proof } : { proof: detail.proof ?? open.proof }
    before = detail
    const summary = detail.isSummary ? { isSummary: true } : {}
    return [
      ...(isNext ? [{ kind: 'part_end', choice } as const] : []),
      ...(detail.text === '' ? [] : [{ kind: 'reasoning', choice, text: detail.text, ...summary } as const]),
      ...(detail.proof === undefined
        ? []
        : [{ kind: 'proof', choice, of: 'reasoning', proof: detail.proof } as const]),
    ]
  }
  return (delta) => {
    const details = listOf(delta.reasoning_details).map(decodeDetail)
    const text = textOf(delta.reasoning_content) ?? textOf(delta.reasoning)
    const isTold = details.some((detail) => detail.text !== '')
    return [
      ...(text === undefined || isTold ? [] : [{ kind: 'reasoning', choice, text } as const]),
      ...details.filter(({ text: told, proof }) => told !== '' || proof !== undefined).flatMap(detailEvents),
    ]
  }
}

// A sound comes in pieces of base64, each padded for itself; streams are always PCM (OpenAI, "Audio generation").
function soundReader(choice: number) {
  const pieces: Uint8Array[] = []
  let id: string | undefined
  let transcript = ''
  return {
    read(value: unknown): ChatEvent[] {
      const audio = fieldsOf(value)
      id ??= textOf(audio.id)
      transcript += textOf(audio.transcript) ?? ''
      const data = textOf(audio.data)
      if (data !== undefined) pieces.push(bytesOf(data))
      return []
    },
    end(): ChatEvent[] {
      if (id === undefined && pieces.length === 0) return []
      const base64 = toBase64(Uint8Array.from(pieces.flatMap((piece) => [...piece])))
      const media = { kind: 'base64', base64, mediaType: 'audio/pcm' } as const
      return [{ kind: 'part', choice, part: { kind: 'audio', media, transcript, id } }]
    },
  }
}

// A piece that is no base64 is left out: the rest of the answer is worth more.
function bytesOf(base64: string): Uint8Array {
  try {
    return fromBase64(base64)
  } catch {
    return new Uint8Array(0)
  }
}
