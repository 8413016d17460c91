import { carried, carry } from '../carried'
import { textOf } from '../fields'
import type { ReasoningProof } from '../parts'

/** What Google documents for calls that none of its models made; the API then does not look for a signature. */
export const UNSIGNED_CALL = 'skip_thought_signature_validator'

/** What a client is told of a thought whose text another provider keeps back. */
export const EMPTY_THOUGHT = '\n'

/** A `thoughtSignature` as a proof: another family's when we put one in there, else Gemini's own. */
export function proofOf(signature: unknown): ReasoningProof | undefined {
  const text = textOf(signature)
  if (text === undefined || text === UNSIGNED_CALL) return undefined
  return carried(text)?.proof ?? { family: 'gemini', signature: text }
}

/** A proof as the `thoughtSignature` of a reply: Gemini's own as it is, another's as opaque base64. */
export function signatureFor(proof: ReasoningProof | undefined): { thoughtSignature?: string } {
  if (proof === undefined) return {}
  return { thoughtSignature: ownSignature(proof) ?? carry(proof) }
}

/** The signature that a Gemini model may be shown; undefined for proofs of other families. */
export function ownSignature(proof: ReasoningProof | undefined): string | undefined {
  return proof?.family === 'gemini' ? proof.signature : undefined
}
