import type { ChatEvent, FinishReason } from '../answer'
import type { Usage } from '../canonical'
import type { ReplyContext } from '../codec'
import { fieldsOf, listOf } from '../fields'
import { encodeFinish } from './finish'
import type { Desk } from './open-items'
import { OutputWriter } from './output-writer'
import { type ReplyHead, responseEnvelope, responseState } from './response-object'

/** Told of every step of a response, with the fields of its event. */
export type Tell = (type: string, fields: Record<string, unknown>) => void

/** A response that is written event by event. */
export interface ResponseWriter {
  take(event: ChatEvent): void
  response(): Record<string, unknown>
}

/**
 * Writes a response, and tells of every step in the order that the protocol demands, whatever the order of the events.
 * @param tell undefined when only the whole response is wanted
 */
export function responseWriter(context: ReplyContext, tell?: Tell): ResponseWriter {
  const desk: Desk = { emit: tell ?? (() => {}), output: [] }
  const output = new OutputWriter(desk, { replyId: context.replyId, isTold: tell !== undefined })
  let head: ReplyHead | undefined
  let finish: FinishReason | undefined
  let hasRefusal = false
  let usage: Usage | undefined
  let isEnded = false
  const incompleteReason = () => encodeFinish(finish ?? 'other', hasRefusal)
  const response = () => ({
    ...responseEnvelope(head ?? {}, context),
    ...responseState({
      isEnded,
      incompleteReason: isEnded ? incompleteReason() : undefined,
      output: desk.output,
      usage,
    }),
  })
  const start = (told: ReplyHead) => {
    if (head !== undefined) return
    head = told
    desk.emit('response.created', { response: response() })
    desk.emit('response.in_progress', { response: response() })
  }
  const closeOutput = () => output.finish(incompleteReason() === undefined ? 'completed' : 'incomplete')
  const end = () => {
    closeOutput()
    isEnded = true
    const type = incompleteReason() === undefined ? 'response.completed' : 'response.incomplete'
    desk.emit(type, { response: response() })
  }
  const take = (event: ChatEvent): void => {
    if (isEnded || ('choice' in event && event.choice !== 0)) return
    start(event.kind === 'start' ? event : {})
    if (event.kind === 'end') end()
    else if (event.kind === 'usage') usage = event.usage
    else if (event.kind === 'error') desk.emit('error', errorFields(event))
    else if (event.kind === 'finish') {
      finish = event.reason
      closeOutput()
    } else {
      hasRefusal ||= event.kind === 'refusal'
      write(output, event)
    }
  }
  return { take, response }
}

function write(output: OutputWriter, event: ChatEvent): void {
  switch (event.kind) {
    case 'start':
    case 'usage':
    case 'error':
    case 'finish':
    case 'end':
      return
    case 'text':
      output.text(event.text, listOf(fieldsOf(event.logprobs).content))
      return
    case 'refusal':
      output.refusal(event.text)
      return
    case 'citation':
      output.citation(event.citation)
      return
    case 'reasoning':
      output.reasoning(event.text)
      return
    case 'proof':
      output.proof(event.proof, event.of)
      return
    case 'part_end':
      output.endPart()
      return
    case 'tool_call':
      output.call(event.call, { ...event, isCustom: event.isCustom === true })
      return
    case 'tool_arguments':
      output.callInput(event.call, event.json)
      return
    case 'tool_call_end':
      output.endCall(event.call)
      return
    case 'part':
      output.part(event.part)
  }
}

function errorFields({ error }: Extract<ChatEvent, { kind: 'error' }>): Record<string, unknown> {
  return { code: error.code ?? null, message: error.message, param: error.param ?? null }
}
