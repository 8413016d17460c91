import type { Gateway } from '../gateway'
import { anthropic } from './anthropic'
import type { Client, ClientRow } from './client'
import { gemini } from './gemini'
import { langchainChat, langchainResponses } from './langchain'
import { openaiByHand } from './openai-by-hand'
import { openaiChat } from './openai-chat'
import { openaiResponses } from './openai-responses'
import { vercelAnthropic, vercelCompatible, vercelGoogle, vercelOpenai, vercelOpenaiChat } from './vercel'

const ofChat = { stop: 'stop', length: 'length', toolCalls: 'tool_calls' }
const ofResponses = { stop: 'completed', length: 'max_output_tokens', toolCalls: 'completed' }
const ofAnthropic = { stop: 'end_turn', length: 'max_tokens', toolCalls: 'tool_use' }
const ofGemini = { stop: 'STOP', length: 'MAX_TOKENS', toolCalls: 'STOP' }
const ofVercel = { stop: 'stop', length: 'length', toolCalls: 'tool-calls' }

/** The SDKs with which applications reach the gateway. */
export const clients: readonly ClientRow[] = [
  // Its helper for tools keeps the fields that OpenAI knows.
  { name: 'openai', protocol: 'openai-chat', open: openaiChat, words: ofChat, returns: [] },
  { name: 'openai by hand', protocol: 'openai-chat', open: openaiByHand, words: ofChat },
  { name: 'openai responses', protocol: 'openai-responses', open: openaiResponses, words: ofResponses },
  { name: '@anthropic-ai/sdk', protocol: 'anthropic', open: anthropic, words: ofAnthropic },
  { name: '@google/genai', protocol: 'gemini', open: gemini, words: ofGemini },
  { name: '@ai-sdk/openai', protocol: 'openai-responses', open: vercelOpenai, words: ofVercel },
  {
    ...{ name: '@ai-sdk/openai chat', protocol: 'openai-chat', open: vercelOpenaiChat, words: ofVercel },
    ...{ isBlind: true, returns: [] },
  },
  {
    ...{ name: '@ai-sdk/openai-compatible', protocol: 'openai-chat', open: vercelCompatible },
    ...{ words: ofVercel, returns: ['gemini'] },
  },
  { name: '@ai-sdk/anthropic', protocol: 'anthropic', open: vercelAnthropic, words: ofVercel },
  { name: '@ai-sdk/google', protocol: 'gemini', open: vercelGoogle, words: ofVercel, downloads: true },
  { name: '@langchain/openai', protocol: 'openai-chat', open: langchainChat, words: ofChat, returns: [] },
  {
    ...{ name: '@langchain/openai responses', protocol: 'openai-responses', open: langchainResponses },
    ...{ words: ofResponses, forgets: ['none', 'required'] },
  },
]

/** A client of the gateway, and the headers of the answers that it got. */
export interface Session extends Client {
  replies: Headers[]
}

/** Opens a client with an inference key of the gateway. */
export function openClient(row: ClientRow, { url, key }: Pick<Gateway, 'url' | 'key'>): Session {
  const replies: Headers[] = []
  const noted: typeof fetch = async (input, init) => {
    const response = await fetch(input, init)
    replies.push(response.headers)
    return response
  }
  return { ...row.open({ url, key, fetch: noted }), replies }
}
