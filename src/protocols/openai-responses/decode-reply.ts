import type { ChatReply } from '../answer'
import { madeCallId } from '../call-ids'
import { fieldsOf, isObject, listOf, numberOf, textOf } from '../fields'
import type { Part } from '../parts'
import { responsesErrorIn } from './decode-error'
import { decodeFinish } from './finish'
import { partsOfItem } from './items'
import { decodeResponsesUsage } from './usage'

/** A response in canonical form; throws the reason when it is none. */
export function decodeResponse(body: unknown): ChatReply {
  if (!isObject(body)) throw new Error('it is not an object')
  const error = responsesErrorIn(body)
  if (error !== undefined) throw new Error(error.message)
  if (!Array.isArray(body.output)) throw new Error("it has no 'output'")
  const parts = body.output.flatMap(partsOfItem)
  const finish = decodeFinish(body, new Set(parts.map(({ kind }) => kind)))
  const content = logprobsOf(body.output)
  const logprobs = content.length === 0 ? undefined : { content }
  return {
    ...headOf(body),
    choices: [{ index: 0, parts: withCallIds(parts), finish, logprobs }],
    usage: decodeResponsesUsage(body.usage),
  }
}

/** What a response object tells at once. */
export function headOf(response: Record<string, unknown>) {
  return {
    id: textOf(response.id),
    model: textOf(response.model),
    createdAtSeconds: numberOf(response.created_at),
    serviceTier: textOf(response.service_tier),
  }
}

function withCallIds(parts: readonly Part[]): Part[] {
  let calls = 0
  return parts.map((part) => {
    if (part.kind !== 'tool_call') return part
    const call = calls++
    return part.id === '' ? { ...part, id: madeCallId(call) } : part
  })
}

function logprobsOf(output: readonly unknown[]): unknown[] {
  const contents = output.flatMap((item) => listOf(fieldsOf(item).content))
  return contents.flatMap((part) => listOf(fieldsOf(part).logprobs))
}
