import { uniqueCallId } from '../call-ids'
import { isObject, jsonOf } from '../fields'
import type { Part } from '../parts'
import { encodeMedia } from './encode-media'
import { EMPTY_THOUGHT, ownSignature, signatureFor } from './proof'

/**
 * A part of an answer for a client of this protocol. Undefined for what it has no place for: a block of another
 * provider's own tools, and a call whose arguments are not an object, which Google tells by the finish reason.
 */
export function encodeAnswerPart(part: Part, replyId: string): Record<string, unknown> | undefined {
  switch (part.kind) {
    case 'text':
      return { text: part.text, ...signatureFor(part.proof) }
    case 'refusal':
      return { text: part.text }
    case 'reasoning':
      return { text: shownThought(part), thought: true, ...signatureFor(part.proof) }
    case 'tool_call': {
      const { name, argumentsJson, isCustom, proof } = part
      const id = uniqueCallId(part.id, replyId)
      const args = isCustom === true ? { input: argumentsJson } : argumentsOf(argumentsJson)
      return args === undefined ? undefined : { functionCall: { id, name, args }, ...signatureFor(proof) }
    }
    case 'image':
    case 'audio':
    case 'video':
    case 'file':
      return encodeMedia(part)
    case 'native':
      return part.protocol === 'gemini' && isObject(part.value) ? part.value : undefined
    case 'tool_result':
      return undefined
  }
}

/** What stands beside the content when a call is broken, as Google says it. */
export function malformedCall(part: Extract<Part, { kind: 'tool_call' }>): string {
  return `Malformed function call: ${part.name}(${part.argumentsJson})`
}

// A thought that another provider keeps back: clients drop a part without text, and its proof with it.
function shownThought({ text, proof }: Extract<Part, { kind: 'reasoning' }>): string {
  return text === '' && proof !== undefined && ownSignature(proof) === undefined ? EMPTY_THOUGHT : text
}

function argumentsOf(json: string): Record<string, unknown> | undefined {
  const value = jsonOf(json === '' ? '{}' : json)
  return isObject(value) ? value : undefined
}
