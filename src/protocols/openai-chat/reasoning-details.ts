import { fieldsOf, listOf, numberOf, textOf } from '../fields'
import type { Part, ReasoningProof } from '../parts'

type ReasoningPart = Extract<Part, { kind: 'reasoning' }>

/** What `format` calls a family (OpenRouter, "Preserving reasoning"); hosts put their own name in front. */
const FORMATS = {
  openai: 'openai-responses-v1',
  anthropic: 'anthropic-claude-v1',
  gemini: 'google-gemini-v1',
} as const satisfies Record<ReasoningProof['family'], string>

/** One entry of `reasoning_details`, as much of it as is understood. */
export interface ReasoningDetail {
  text: string
  isSummary: boolean
  isEncrypted: boolean
  proof: ReasoningProof | undefined
  index: number | undefined
  type: string | undefined
}

/** An entry of `reasoning_details`: a text with its signature, a summary, or an encrypted block. */
export function decodeDetail(value: unknown): ReasoningDetail {
  const { type, text, summary, data, signature, id, format, index } = fieldsOf(value)
  const isSummary = type === 'reasoning.summary'
  const isEncrypted = type === 'reasoning.encrypted'
  const told = isSummary ? summary : text
  const proof = {
    family: familyOf(textOf(format)) ?? (textOf(signature) === undefined ? 'openai' : 'anthropic'),
    ...(textOf(signature) === undefined ? {} : { signature: textOf(signature) }),
    ...(isEncrypted && textOf(data) !== undefined ? { encrypted: textOf(data) } : {}),
  } satisfies ReasoningProof
  const isProven = proof.signature !== undefined || proof.encrypted !== undefined
  return {
    text: typeof told === 'string' && !isEncrypted ? told : '',
    isSummary,
    isEncrypted,
    proof: isProven ? { ...proof, ...(textOf(id) === undefined ? {} : { id: textOf(id) }) } : undefined,
    index: numberOf(index),
    type: textOf(type),
  }
}

/** `reasoning_details` as parts; pieces that a client put together from a stream are one part again. */
export function decodeDetails(value: unknown, at?: string): ReasoningPart[] {
  const parts: ReasoningPart[] = []
  let before: ReasoningDetail | undefined
  for (const [place, detail] of listOf(value).map(decodeDetail).entries()) {
    const open = parts.at(-1)
    if (open !== undefined && before !== undefined && goesOn(before, detail, open)) {
      open.text += detail.text
      if (detail.proof !== undefined) open.proof = { ...open.proof, ...detail.proof }
    } else if (detail.text !== '' || detail.proof !== undefined) {
      parts.push({
        kind: 'reasoning',
        text: detail.text,
        ...(detail.isSummary ? { isSummary: true } : {}),
        proof: detail.proof,
        ...(at === undefined ? {} : { at: `${at}[${place}]` }),
      })
    }
    before = detail
  }
  return parts
}

/** Whether an entry belongs to the part that the one before it began. */
export function goesOn(
  before: ReasoningDetail,
  next: ReasoningDetail,
  open: { proof?: ReasoningProof | undefined },
): boolean {
  // OpenAI's reasoning has both forms: what it shows, and all of it encrypted.
  const isSame = before.index !== undefined && before.index === next.index
  if (next.isEncrypted && !before.isEncrypted && open.proof === undefined && (before.isSummary || isSame))
    return next.proof?.family === 'openai'
  if (before.isEncrypted || next.isEncrypted || before.type !== next.type) return false
  return isSame && open.proof?.signature === undefined
}

/** The entries for a reasoning; `index` tells the reasonings of one message apart. */
export function encodeDetails(
  { text, isSummary, proof }: Pick<ReasoningPart, 'text' | 'isSummary' | 'proof'>,
  index: number,
): Record<string, unknown>[] {
  const { signature, encrypted } = proof ?? {}
  const common = {
    ...(proof?.id === undefined ? {} : { id: proof.id }),
    ...(proof === undefined ? {} : { format: FORMATS[proof.family] }),
    index,
  }
  const plain =
    isSummary === true && signature === undefined
      ? { type: 'reasoning.summary', summary: text, ...common }
      : { type: 'reasoning.text', text, ...(signature === undefined ? {} : { signature }), ...common }
  return [
    ...(text === '' && signature === undefined ? [] : [plain]),
    ...(encrypted === undefined ? [] : [{ type: 'reasoning.encrypted', data: encrypted, ...common }]),
  ]
}

/** The proof at Google's place for it in chat completions, on a call or a message. */
export function decodeThoughtSignature(extraContent: unknown): ReasoningProof | undefined {
  const signature = textOf(fieldsOf(fieldsOf(extraContent).google).thought_signature)
  return signature === undefined ? undefined : { family: 'gemini', signature }
}

/** The field for a proof of a call or a text; none for a family that does not sign those. */
export function encodeThoughtSignature(proof: ReasoningProof | undefined): Record<string, unknown> {
  return proof?.family === 'gemini' && proof.signature !== undefined
    ? { extra_content: { google: { thought_signature: proof.signature } } }
    : {}
}

function familyOf(format: string | undefined): ReasoningProof['family'] | undefined {
  if (format === undefined) return undefined
  if (format.endsWith(FORMATS.anthropic)) return 'anthropic'
  if (format.endsWith(FORMATS.gemini)) return 'gemini'
  return format.endsWith('-responses-v1') ? 'openai' : undefined
}
