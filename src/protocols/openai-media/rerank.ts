import { mediaEndpoint } from './endpoint'
import { readListReply } from './reply'

/** Rerank in the shape that Cohere began and Jina, Voyage AI and the self-hosted servers share. */
export const rerank = mediaEndpoint({
  id: 'rerank',
  logType: 'rerank',
  path: '/rerank',
  kinds: {
    query: ['string', 'object'],
    documents: ['array'],
    top_n: ['number'],
    return_documents: ['boolean'],
  },
  required: ['query', 'documents'],
  input: ['query', 'documents'],
  readReply: (bytes) => readListReply(bytes, ['results', 'data']),
})
