import type { Answer } from './answer'
import type { ChatRequest, Json, JsonObject } from './chat-request'
import { fakeId } from './tokens'
import type { Usage } from './usage'

/** All that a reply is made from, streamed or not. */
export interface Content {
  callId: number
  request: ChatRequest
  answers: Answer[]
  /** null: the reply has no usage. */
  usage: Usage | null
  extraFields?: JsonObject | undefined
}

/** The name under which OpenAI answers for an alias: the dated snapshot. Other names stay as they are. */
export function servedModel(model: string): string {
  return { 'gpt-4o': 'gpt-4o-2024-08-06', 'gpt-4o-mini': 'gpt-4o-mini-2024-07-18' }[model] ?? model
}

/** The id of the reply to a call. */
export function completionId(callId: number): string {
  return fakeId('chatcmpl-', 29, callId)
}

/** A `chat.completion` object with OpenAI's members in OpenAI's order. */
export function completion({ callId, request, answers, usage, extraFields }: Content): JsonObject {
  return {
    id: completionId(callId),
    object: 'chat.completion',
    created: Math.floor(Date.now() / 1000),
    model: servedModel(request.model),
    choices: answers.map((answer, index) => ({
      index,
      message: messageOf(answer),
      logprobs: logprobsOf(request, answer.content),
      finish_reason: answer.finishReason,
    })),
    usage: usage === null ? undefined : { ...usage },
    service_tier: 'default',
    system_fingerprint: 'fp_44709d6fcb',
    ...extraFields,
  }
}

/** The log probabilities of some content tokens, when the request wants them. */
export function logprobsOf(request: ChatRequest, tokens: string[]): Json {
  if (request.logprobs !== true) return null
  const content = tokens.map((token) => ({
    token,
    logprob: -0.0101,
    bytes: [...Buffer.from(token)],
    top_logprobs: [],
  }))
  return { content, refusal: null }
}

function messageOf({ content, reasoning, refusal, toolCalls }: Answer): JsonObject {
  return {
    role: 'assistant',
    content: content.length === 0 ? null : content.join(''),
    reasoning_content: reasoning.length === 0 ? undefined : reasoning.join(''),
    tool_calls: toolCalls.length === 0 ? undefined : toolCalls.map((call) => toolCall(call)),
    refusal: refusal.length === 0 ? null : refusal.join(''),
    annotations: [],
  }
}

function toolCall({ id, name, arguments: text }: Answer['toolCalls'][number]): JsonObject {
  return { id, type: 'function', function: { name, arguments: text } }
}
