import type { WireProtocolId } from './protocol'

/** Where an answer is asked for, behind a base URL that ends in the version. Of the model, only those that name it there. */
export const paths: Record<WireProtocolId, (model: string, isStream: boolean) => string> = {
  'openai-chat': () => '/chat/completions',
  'openai-responses': () => '/responses',
  anthropic: () => '/messages',
  gemini: (model, isStream) =>
    `/models/${encodeURIComponent(model)}:${isStream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
  'bedrock-converse': (model, isStream) =>
    `/model/${encodeURIComponent(model)}/${isStream ? 'converse-stream' : 'converse'}`,
}
