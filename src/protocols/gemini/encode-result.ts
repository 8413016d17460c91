import { isObject, jsonOf } from '../fields'
import type { Part } from '../parts'
import { untranslatable } from '../untranslatable'
import type { Conversation } from './conversation'
import { encodeMediaPart } from './encode-parts'
import { hasLevels } from './thinking'

type ToolResult = Extract<Part, { kind: 'tool_result' }>

/**
 * A tool's result as a `functionResponse`. Images and files in it go into its own `parts` for models since Gemini 3,
 * which are those with levels of thinking; for others they follow it in the same turn.
 */
export function encodeResult(
  part: ToolResult,
  at: string,
  conversation: Conversation,
): Record<string, unknown>[] {
  const { request, target, calls, losses } = conversation
  const name = calls.get(part.callId)?.name ?? part.name
  if (name === undefined)
    throw untranslatable(at, `No tool call with the id '${part.callId}' stands before this result.`)
  for (const inner of part.parts) if (inner.cache !== undefined) losses.add(`${inner.at ?? at}.cache_control`)
  const media = part.parts.flatMap((inner) => encodeMedium(inner, inner.at ?? at, conversation))
  const isInside = media.length > 0 && (hasLevels(target) || request.protocol === 'gemini')
  const functionResponse = {
    id: part.callId,
    name,
    response: responseOf(part),
    ...(isInside ? { parts: media } : {}),
    ...(part.extras?.protocol === 'gemini' ? part.extras.fields : {}),
  }
  return isInside ? [{ functionResponse }] : [{ functionResponse }, ...media]
}

function encodeMedium(part: Part, at: string, conversation: Conversation): Record<string, unknown>[] {
  switch (part.kind) {
    case 'text':
    case 'refusal':
      return []
    case 'image':
    case 'audio':
    case 'video':
    case 'file':
      return encodeMediaPart(part, at, conversation)
    default:
      conversation.losses.add(at)
      return []
  }
}

// Google wants an object: one that the tool wrote as JSON is that, any other text is its output.
function responseOf({ parts, isError }: ToolResult): Record<string, unknown> {
  const text = parts
    .flatMap((part) => (part.kind === 'text' || part.kind === 'refusal' ? [part.text] : []))
    .join('\n')
  if (isError === true) return { error: text }
  const value = jsonOf(text)
  return isObject(value) ? value : { output: text }
}
