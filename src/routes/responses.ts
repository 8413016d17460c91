import { protocols } from '../protocols/table'
import { answerIn } from './answers'
import { BASES, type InferenceRoute } from './route'

/** OpenAI Responses. */
export const createResponse: InferenceRoute = {
  method: 'POST',
  paths: BASES.map((base) => `${base}/responses`),
  auth: 'inference',
  logging: 'request',
  handle: (context) => answerIn(protocols['openai-responses'], context),
}
