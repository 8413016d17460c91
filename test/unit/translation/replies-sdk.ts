import { createAnthropic } from '@ai-sdk/anthropic'
import { createGoogleGenerativeAI } from '@ai-sdk/google'
import { createOpenAI } from '@ai-sdk/openai'
import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import OpenAI from 'openai'
import { vi } from 'vitest'
import type { ProtocolId } from '../../../src/protocols/protocol'

/** What a client's own SDK makes of an answer. */
export interface Heard {
  text: string
  reasoning: string
  calls: { id: string; name: string; input: unknown }[]
  finish: string | null | undefined
  totalTokens: number | undefined
}

/** What a gateway would send, whatever it is asked. */
export interface Sent {
  reply?: Record<string, unknown> | undefined
  stream: string
}

const KEY = { apiKey: 'k', maxRetries: 0 } as const
const BODY = { model: 'm', messages: [{ role: 'user' as const, content: 'Hi' }] }

function fetchOf({ reply, stream }: Sent, isStream: boolean) {
  return async () =>
    isStream
      ? new Response(stream, { headers: { 'content-type': 'text/event-stream' } })
      : Response.json(reply)
}

/** Reads an answer with the official SDK of the client's protocol, which throws where it finds it broken. */
export const officialSdk: Record<ProtocolId, (sent: Sent, isStream: boolean) => Promise<Heard>> = {
  async 'openai-chat'(sent, isStream) {
    const { chat } = new OpenAI({ ...KEY, fetch: fetchOf(sent, isStream) })
    const completion = isStream
      ? await chat.completions
          .stream({ ...BODY, stream_options: { include_usage: true } })
          .finalChatCompletion()
      : await chat.completions.create(BODY)
    const [choice] = completion.choices
    const message = choice?.message
    return {
      text: (message?.content ?? '') + (message?.refusal ?? ''),
      // The SDK's helper keeps the last piece only of fields that are not OpenAI's.
      reasoning: isStream ? '' : textIn(message, 'reasoning_content'),
      calls: (message?.tool_calls ?? []).map((call) =>
        call.type === 'function'
          ? { id: call.id, name: call.function.name, input: JSON.parse(call.function.arguments) }
          : { id: call.id, name: call.custom.name, input: call.custom.input },
      ),
      finish: choice?.finish_reason,
      totalTokens: completion.usage?.total_tokens,
    }
  },
  async 'openai-responses'(sent, isStream) {
    const { responses } = new OpenAI({ ...KEY, fetch: fetchOf(sent, isStream) })
    const asked = { model: 'm', input: 'Hi' }
    const response = isStream ? await responses.stream(asked).finalResponse() : await responses.create(asked)
    const output = response.output
    return {
      text: output
        .flatMap((item) => (item.type === 'message' ? item.content : []))
        .map((part) => (part.type === 'refusal' ? part.refusal : part.text))
        .join(''),
      reasoning: output
        .flatMap((item) => (item.type === 'reasoning' ? item.summary : []))
        .map(({ text }) => text)
        .join(''),
      calls: output.flatMap((item) =>
        item.type === 'function_call'
          ? [{ id: item.call_id, name: item.name, input: JSON.parse(item.arguments) }]
          : [],
      ),
      finish: response.incomplete_details?.reason ?? response.status,
      totalTokens: response.usage?.total_tokens,
    }
  },
  async anthropic(sent, isStream) {
    const { messages } = new Anthropic({ ...KEY, fetch: fetchOf(sent, isStream) })
    const asked = { ...BODY, max_tokens: 64 }
    const message = isStream ? await messages.stream(asked).finalMessage() : await messages.create(asked)
    const { usage } = message
    return {
      text: message.content.map((block) => (block.type === 'text' ? block.text : '')).join(''),
      reasoning: message.content.map((block) => (block.type === 'thinking' ? block.thinking : '')).join(''),
      calls: message.content.flatMap((block) =>
        block.type === 'tool_use' ? [{ id: block.id, name: block.name, input: block.input }] : [],
      ),
      finish: message.stop_reason,
      totalTokens:
        usage.input_tokens +
        (usage.cache_read_input_tokens ?? 0) +
        (usage.cache_creation_input_tokens ?? 0) +
        usage.output_tokens,
    }
  },
  async gemini(sent, isStream) {
    vi.stubGlobal('fetch', fetchOf(sent, isStream))
    try {
      const { models } = new GoogleGenAI({ apiKey: 'k' })
      const asked = { model: 'm', contents: 'Hi' }
      const replies = []
      if (isStream) for await (const one of await models.generateContentStream(asked)) replies.push(one)
      else replies.push(await models.generateContent(asked))
      const parts = replies.flatMap((one) => one.candidates?.[0]?.content?.parts ?? [])
      return {
        text: parts.map((part) => (part.thought ? '' : (part.text ?? ''))).join(''),
        // A thought that another provider keeps back is told as a line end: an empty one would be dropped.
        reasoning: parts
          .map((part) => (part.thought ? (part.text ?? '') : ''))
          .join('')
          .trimEnd(),
        calls: parts.flatMap(({ functionCall: call }) =>
          call === undefined ? [] : [{ id: call.id ?? '', name: call.name ?? '', input: call.args }],
        ),
        finish: replies.at(-1)?.candidates?.[0]?.finishReason,
        totalTokens: replies.at(-1)?.usageMetadata?.totalTokenCount,
      }
    } finally {
      vi.unstubAllGlobals()
    }
  },
}

/** Reads a stream with the AI SDK, whose schemas are strict: what it finds broken comes as an error. */
export async function aiSdk(protocol: ProtocolId, sent: Sent): Promise<Heard & { errors: unknown[] }> {
  const fetch = fetchOf(sent, true)
  const settings = { apiKey: 'k', baseURL: 'http://gateway.test/v1', fetch }
  const model = {
    'openai-chat': () => createOpenAI(settings).chat('m'),
    'openai-responses': () => createOpenAI(settings).responses('m'),
    anthropic: () => createAnthropic(settings)('m'),
    gemini: () => createGoogleGenerativeAI(settings)('m'),
  }[protocol]()
  const { stream } = await model.doStream({
    prompt: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }],
  })
  const heard: Heard & { errors: unknown[] } = {
    text: '',
    reasoning: '',
    calls: [],
    finish: undefined,
    totalTokens: undefined,
    errors: [],
  }
  for await (const part of stream) {
    if (part.type === 'text-delta') heard.text += part.delta
    else if (part.type === 'reasoning-delta') heard.reasoning += part.delta
    else if (part.type === 'tool-call')
      heard.calls.push({ id: part.toolCallId, name: part.toolName, input: JSON.parse(part.input) })
    else if (part.type === 'error') heard.errors.push(part.error)
    else if (part.type === 'finish') {
      heard.finish = part.finishReason.unified
      const { inputTokens, outputTokens } = part.usage
      heard.totalTokens = (inputTokens.total ?? 0) + (outputTokens.total ?? 0)
    }
  }
  return heard
}

function textIn(message: object | undefined, field: string): string {
  const value = Object.entries(message ?? {}).find(([name]) => name === field)?.[1]
  return typeof value === 'string' ? value : ''
}
