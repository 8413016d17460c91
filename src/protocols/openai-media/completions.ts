import { type Member, valueOf } from '../../platform/json-scan'
import { NO_USAGE, type Usage } from '../canonical'
import { countOf, fieldsOf, jsonOf, listOf } from '../fields'
import { readChatReply } from '../openai-chat/reply'
import { askForChatStreamUsage } from '../openai-chat/request'
import { chatStreamReader } from '../openai-chat/stream'
import { chatStreamFilter } from '../openai-chat/stream-filter'
import type { RequestFacts } from '../protocol'
import { outputEstimate, type TokenEstimate } from '../token-estimate'
import { collectCompletionStream } from './completion-stream'
import { type Endpoint, mediaEndpoint } from './endpoint'
import { tokensOfFields, tokensOfInput } from './estimate'
import { readMediaRequest } from './request'

/** What a request without `max_tokens` gets (OpenAI API reference, "Create completion"). */
const DEFAULT_OUTPUT_TOKENS = 16

const endpoint: Endpoint = {
  id: 'openai-completions',
  logType: 'completion',
  path: '/completions',
  kinds: {
    prompt: ['string', 'array'],
    stream_options: ['object'],
    suffix: ['string'],
    temperature: ['number'],
    top_p: ['number'],
    n: ['number'],
    best_of: ['number'],
    max_tokens: ['number'],
    stop: ['string', 'array'],
    logprobs: ['number', 'boolean'],
    echo: ['boolean'],
  },
  required: ['prompt'],
  input: ['prompt', 'suffix'],
  own: ['prompt'],
  readReply: readChatReply,
}

/** OpenAI's Completions of before chat, whose choices have a text instead of a message. */
export const completions = mediaEndpoint(endpoint, {
  readRequest: readCompletionRequest,
  askForStreamUsage: askForChatStreamUsage,
  streamReader: chatStreamReader,
  streamFilter: chatStreamFilter,
  collectStream: collectCompletionStream,
  estimateUsage: estimateCompletionUsage,
  estimateTokens: estimateCompletionTokens,
})

function readCompletionRequest(bytes: Uint8Array, members: readonly Member[]): RequestFacts {
  const facts = readMediaRequest(bytes, members, endpoint)
  const options = members.find(({ key }) => key === 'stream_options')
  const wantsStreamUsage = options !== undefined && fieldsOf(valueOf(bytes, options)).include_usage === true
  return { ...facts, wantsStreamUsage }
}

function estimateCompletionUsage(request: Uint8Array, response: Uint8Array, isStream: boolean): Usage {
  const reply = isStream ? collectCompletionStream(response) : parsed(response)
  const texts = listOf(fieldsOf(reply).choices).map((choice) => fieldsOf(choice).text)
  const { prompt } = fieldsOf(parsed(request))
  return { ...NO_USAGE, inputTokens: tokensOfInput(prompt), outputTokens: tokensOfInput(texts) }
}

function estimateCompletionTokens(request: Uint8Array, members: readonly Member[]): TokenEstimate {
  const numberOf = (name: string) => {
    const member = members.find(({ key, kind }) => key === name && kind === 'number')
    return member === undefined ? undefined : countOf(valueOf(request, member))
  }
  return {
    inputTokens: tokensOfFields(request, members, endpoint.input),
    output: outputEstimate(
      numberOf('max_tokens') ?? DEFAULT_OUTPUT_TOKENS,
      Math.max(1, numberOf('n') ?? 1, numberOf('best_of') ?? 1),
    ),
  }
}

function parsed(bytes: Uint8Array): unknown {
  return jsonOf(new TextDecoder().decode(bytes))
}
