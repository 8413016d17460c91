import type { Usage } from '../canonical'
import { fieldsOf, jsonOf } from '../fields'
import { mediaEndpoint } from './endpoint'
import { tokensOfInput } from './estimate'
import { readListReply } from './reply'
import { usageOfInput } from './usage'

/** OpenAI Embeddings. */
export const embeddings = mediaEndpoint(
  {
    id: 'openai-embeddings',
    logType: 'embedding',
    path: '/embeddings',
    kinds: {
      input: ['string', 'array'],
      encoding_format: ['string'],
      dimensions: ['number'],
      user: ['string'],
    },
    required: ['input'],
    input: ['input'],
    readReply: (bytes) => readListReply(bytes, ['data']),
  },
  { estimateUsage: estimateEmbeddingUsage },
)

// Some self-hosted servers tell none, and what costs is in the request.
function estimateEmbeddingUsage(request: Uint8Array): Usage {
  return usageOfInput(tokensOfInput(fieldsOf(jsonOf(new TextDecoder().decode(request))).input))
}
