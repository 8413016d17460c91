import type { Protocol } from '../protocol'
import { anthropicCodec } from './codec'
import { encodeMessagesError, messagesErrorEvent } from './errors'
import { DEFAULT_MAX_TOKENS, estimateMessagesTokens, estimateMessagesUsage } from './estimate'
import { readMessage } from './raw-reply'
import { readMessagesRequest } from './raw-request'
import { messagesStreamReader } from './raw-stream'

/** Anthropic Messages, also as other hosts of the same models speak it. */
export const anthropic: Protocol = {
  id: 'anthropic',
  speaks: 'anthropic',
  hidesProofs: true,
  codec: anthropicCodec,
  hasModelInBody: true,
  // The provider wants a limit of every request; clients of gateways often leave it out.
  bodyDefaults: { max_tokens: DEFAULT_MAX_TOKENS },
  settingNames: { temperature: 'temperature', topP: 'top_p', topK: 'top_k', stop: 'stop_sequences' },
  own: { fields: new Set(), metadata: ['user_id'] },
  readRequest: readMessagesRequest,
  streamReader: messagesStreamReader,
  readReply: readMessage,
  estimateUsage: estimateMessagesUsage,
  estimateTokens: estimateMessagesTokens,
  encodeError: encodeMessagesError,
  errorEvent: messagesErrorEvent,
}
