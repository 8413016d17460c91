import type { ChatReply } from '../answer'
import { madeCallId } from '../call-ids'
import { fieldsOf, isObject, textOf } from '../fields'
import type { Part } from '../parts'
import { decodeCitations } from './citations'
import { errorOf } from './errors'
import { decodeStopReason, refusalOf } from './finish'
import type { Block } from './own-fields'
import { decodeUsage } from './usage'

/**
 * A whole message as a reply.
 * @throws Error with the reason when it is not one
 */
export function decodeMessage(body: unknown): ChatReply {
  const fields = fieldsOf(body)
  const error = fields.type === 'error' ? errorOf(fields) : undefined
  if (error !== undefined) throw new Error(error.message)
  if (!Array.isArray(fields.content)) throw new Error("it has no 'content'")
  const told = partsOf(fields.content.filter(isObject))
  const refusal = told.length === 0 ? refusalOf(fields) : undefined
  return {
    id: textOf(fields.id),
    model: textOf(fields.model),
    choices: [
      {
        index: 0,
        parts: refusal === undefined ? told : [refusal],
        finish: decodeStopReason(fields.stop_reason),
        stopSequence: textOf(fields.stop_sequence),
      },
    ],
    usage: decodeUsage(fields.usage),
    serviceTier: textOf(fieldsOf(fields.usage).service_tier),
  }
}

/** The part that a block of an answer tells, but for a call; undefined for a block that tells nothing. */
export function decodeReplyBlock(block: Block): Part | undefined {
  switch (block.type) {
    case 'text': {
      const citations = decodeCitations(block.citations)
      const text = textOf(block.text)
      if (text === undefined && citations === undefined) return undefined
      return { kind: 'text', text: text ?? '', ...(citations === undefined ? {} : { citations }) }
    }
    case 'thinking': {
      const [text, signature] = [textOf(block.thinking), textOf(block.signature)]
      if (text === undefined && signature === undefined) return undefined
      const proof = signature === undefined ? {} : { proof: { family: 'anthropic' as const, signature } }
      return { kind: 'reasoning', text: text ?? '', ...proof }
    }
    case 'redacted_thinking': {
      const encrypted = textOf(block.data)
      return { kind: 'reasoning', text: '', proof: { family: 'anthropic', encrypted } }
    }
    default:
      return { kind: 'native', type: textOf(block.type) ?? '', protocol: 'anthropic', value: block }
  }
}

// A call without an id gets one of its own.
function partsOf(content: readonly Block[]): Part[] {
  let calls = 0
  return content.flatMap((block): Part[] => {
    if (block.type !== 'tool_use') {
      const part = decodeReplyBlock(block)
      return part === undefined ? [] : [part]
    }
    const id = textOf(block.id) ?? madeCallId(calls)
    calls += 1
    const argumentsJson = JSON.stringify(block.input ?? {})
    return [{ kind: 'tool_call', id, name: textOf(block.name) ?? '', argumentsJson }]
  })
}
