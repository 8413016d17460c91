import type { Answer } from './answer'
import type { JsonObject } from './chat-request'
import type { Told } from './dialect'

/** The answer that is told where the protocol has only one. */
export function answerOf({ answers: [first] }: Told): Answer {
  if (first === undefined) throw new Error('An answer has at least one choice.')
  return first
}

/** Arguments as an object; a script's broken ones are none. */
export function objectOf(json: string): JsonObject {
  try {
    return JSON.parse(json)
  } catch {
    return {}
  }
}
