import { fromBase64, toBase64 } from '../platform/base64'
import { fieldsOf, jsonOf, textOf } from './fields'
import type { ReasoningProof } from './parts'

const MARK = 'sluice:'
/** `MARK` begins every carried text, and its first six letters make these eight of base64. */
const BASE64_OF_MARK = 'c2x1aWNl'
const encoder = new TextEncoder()
const decoder = new TextDecoder()

/**
 * A proof of one family as opaque text for a protocol of another, whose clients bring it back with the next turn. It
 * is base64, since some clients decode and encode such fields again.
 */
export function carry(proof: ReasoningProof, callId?: string): string {
  return toBase64(encoder.encode(MARK + JSON.stringify({ ...proof, callId })))
}

/** What `carry` put into a text; undefined for a text that is not ours, but the protocol's own. */
export function carried(text: string): { proof: ReasoningProof; callId: string | undefined } | undefined {
  if (!text.startsWith(BASE64_OF_MARK)) return undefined
  const fields = fieldsOf(jsonOf(plain(text).slice(MARK.length)))
  const { family } = fields
  if (family !== 'openai' && family !== 'anthropic' && family !== 'gemini') return undefined
  const proof: ReasoningProof = {
    family,
    signature: textOf(fields.signature),
    encrypted: textOf(fields.encrypted),
    id: textOf(fields.id),
  }
  return { proof, callId: textOf(fields.callId) }
}

/** A signature of nobody's: what a client sends back of thoughts that came without one. */
const EMPTY_SIGNATURE = /"signature"\s*:\s*""/

/**
 * Whether a request holds proofs that only the gateway understands, which a provider would refuse: its conversation
 * began at a provider of another family.
 */
export function holdsForeignProofs(body: Uint8Array): boolean {
  const text = decoder.decode(body)
  return text.includes(BASE64_OF_MARK) || EMPTY_SIGNATURE.test(text)
}

function plain(base64: string): string {
  try {
    return decoder.decode(fromBase64(base64))
  } catch {
    return ''
  }
}
