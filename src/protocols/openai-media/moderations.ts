import { mediaEndpoint } from './endpoint'
import { readListReply } from './reply'

/** OpenAI Moderations. */
export const moderations = mediaEndpoint({
  id: 'openai-moderations',
  logType: 'moderation',
  path: '/moderations',
  kinds: { input: ['string', 'array'] },
  required: ['input'],
  input: ['input'],
  readReply: (bytes) => readListReply(bytes, ['results']),
})
