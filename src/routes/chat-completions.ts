import { protocols } from '../protocols/table'
import { answerIn } from './answers'
import { BASES, type InferenceRoute } from './route'

/** OpenAI Chat Completions. */
export const chatCompletions: InferenceRoute = {
  method: 'POST',
  paths: BASES.map((base) => `${base}/chat/completions`),
  auth: 'inference',
  logging: 'request',
  handle: (context) => answerIn(protocols['openai-chat'], context),
}
