import type { Usage } from '../canonical'
import { fieldsOf, jsonOf } from '../fields'
import { mediaEndpoint } from './endpoint'
import { readListReply } from './reply'
import { usageOfInput } from './usage'

const CHARACTERS_PER_TOKEN = 4

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

/** Tokens by the length of the texts; an input of token numbers is counted as it is. */
function estimateEmbeddingUsage(request: Uint8Array): Usage {
  return usageOfInput(tokensOf(fieldsOf(jsonOf(new TextDecoder().decode(request))).input))
}

function tokensOf(input: unknown): number {
  if (typeof input === 'string') return Math.ceil(input.length / CHARACTERS_PER_TOKEN)
  if (Array.isArray(input)) return input.reduce<number>((sum, one) => sum + tokensOf(one), 0)
  return typeof input === 'number' ? 1 : 0
}
