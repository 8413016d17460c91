import { scanObject, valueOf } from '../../platform/json-scan'
import { fieldsOf, textOf } from '../fields'
import type { Protocol } from '../protocol'
import { errorOf } from './errors'
import { decodeUsage } from './usage'

const decoder = new TextDecoder()

/** Reads a message without building its content, and throws the reason when it is not one. */
export function readMessage(bytes: Uint8Array): ReturnType<Protocol['readReply']> {
  const members = scanObject(bytes)
  const fields: Record<string, unknown> = {}
  for (const member of members) if (member.key !== 'content') fields[member.key] = valueOf(bytes, member)
  const error = fields.type === 'error' ? errorOf(fields) : undefined
  if (error !== undefined) return { error: { message: error.message, status: error.status } }
  const content = members.find((member) => member.key === 'content')
  if (content?.kind !== 'array') throw new Error("it has no 'content'")
  const usage = decodeUsage(fields.usage)
  const finishReason = textOf(fields.stop_reason)
  const responseId = textOf(fields.id)
  return {
    ...(usage === undefined ? {} : { usage }),
    ...(finishReason === undefined ? {} : { finishReason }),
    ...(responseId === undefined ? {} : { responseId }),
  }
}

/** A body as JSON, nothing when it is none. */
export function parsedBody(bytes: Uint8Array): Record<string, unknown> {
  try {
    return fieldsOf(JSON.parse(decoder.decode(bytes)))
  } catch {
    return {}
  }
}
