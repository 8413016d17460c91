import type { Protocol } from '../protocol'
import { chatCodec } from './codec'
import { chatErrorEvent, encodeChatError } from './errors'
import { estimateChatTokens, estimateChatUsage } from './estimate'
import { readChatReply } from './reply'
import { askForChatStreamUsage, readChatRequest } from './request'
import { chatStreamReader } from './stream'
import { chatStreamFilter } from './stream-filter'

/** OpenAI Chat Completions, also as the many compatible providers speak it. */
export const openaiChat: Protocol = {
  id: 'openai-chat',
  speaks: 'openai-chat',
  codec: chatCodec,
  hasModelInBody: true,
  newerNames: { max_tokens: 'max_completion_tokens' },
  settingNames: {
    temperature: 'temperature',
    topP: 'top_p',
    presencePenalty: 'presence_penalty',
    frequencyPenalty: 'frequency_penalty',
    logprobs: 'logprobs',
    logitBias: 'logit_bias',
    stop: 'stop',
    seed: 'seed',
  },
  own: { fields: new Set() },
  readRequest: readChatRequest,
  askForStreamUsage: askForChatStreamUsage,
  streamReader: chatStreamReader,
  streamFilter: chatStreamFilter,
  readReply: readChatReply,
  estimateUsage: estimateChatUsage,
  estimateTokens: estimateChatTokens,
  encodeError: encodeChatError,
  errorEvent: chatErrorEvent,
}
