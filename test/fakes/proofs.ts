import { createHash } from 'node:crypto'
import { fieldsOf } from './fields'

/** Whose proof it is: each provider reads its own only. `redacted` is Anthropic's reasoning without text. */
export type ProofFamily = 'anthropic' | 'redacted' | 'gemini' | 'openai'

/**
 * The signature, encrypted reasoning or thought signature that the fake gives out for a reasoning: base64, the same in
 * each run, and different for each text. Tests put it into histories, and compare what came back with it.
 */
export function proofOf(family: ProofFamily, text: string): string {
  const subject = `${family}:${digest(text)}`
  return Buffer.from(`fake-proof:${subject}:${digest(subject)}`).toString('base64')
}

/** Whether this is a proof of the family exactly as it was given out; with a text, that it is the proof of it. */
export function isProof(family: ProofFamily, proof: string, text?: string): boolean {
  if (text !== undefined) return proof === proofOf(family, text)
  const plain = Buffer.from(proof, 'base64').toString()
  const [, subject, seal] = /^fake-proof:(\w+:\w+):(\w+)$/.exec(plain) ?? []
  if (subject === undefined || !subject.startsWith(`${family}:`)) return false
  return seal === digest(subject) && Buffer.from(plain).toString('base64') === proof
}

/** All proofs in a request body, of whatever family and wherever they stand, in their order. */
export function proofsIn(body: unknown): string[] {
  const found: string[] = []
  JSON.stringify(body, (name, value) => {
    if (fieldsOf(value)['type'] === 'base64') return undefined
    if (PROOF_FIELDS.has(name) && typeof value === 'string') found.push(value)
    return name === 'inlineData' || name === 'inline_data' ? undefined : value
  })
  return found
}

const PROOF_FIELDS = new Set([
  'signature',
  'data',
  'encrypted_content',
  'thoughtSignature',
  'thought_signature',
  'redactedContent',
])

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 24)
}
