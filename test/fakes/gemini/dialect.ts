import type { Asked, Dialect } from '../dialect'
import { status } from '../faults'
import { pathOf } from '../fields'
import { jsonArray, sse } from '../framing'
import type { RecordedCall } from '../recorder'
import { answer, json, type Step } from '../steps'
import { usageOf } from '../usage'
import { geminiHeaders, geminiProblem, geminiStatus, googleError, invalidArgument } from './errors'
import { responseEvents } from './events'
import { geminiRequest } from './request'
import { response } from './response'
import { geminiRefusal } from './turns'

/** Gemini's generateContent, at the Gemini API and on Vertex AI. */
export const gemini: Dialect = {
  callPrefix: 'fc_',
  readRequest: geminiRequest,
  isStream: (call) => pathOf(call).endsWith(':streamGenerateContent'),
  headers: geminiHeaders,
  framing: (call) => (call.query.get('alt') === 'sse' ? sse : jsonArray),
  reply: (told) => (isCount(told.call) ? counted(usageOf(told.request, []).prompt_tokens) : response(told)),
  events: responseEvents,
  done: () => [],
  errorEvent: () => googleError(503, 'UNAVAILABLE', 'The model is overloaded. Please try again later.'),
  error: geminiStatus,
  problem: geminiProblem,
  errorWith200: () => googleError(500, 'INTERNAL', 'An internal error has occurred.'),
  refusal: ({ call }) => refusalOf(call),
  unscripted,
}

const MODELS = ['gemini-2.5-flash', 'gemini-3-pro-preview'].map((name) => ({
  name: `models/${name}`,
  version: '001',
  displayName: name,
  inputTokenLimit: 1_048_576,
  outputTokenLimit: 65_536,
  supportedGenerationMethods: ['generateContent', 'countTokens'],
}))

function refusalOf(call: RecordedCall): Step | undefined {
  const problem = geminiRefusal(call)
  return problem === undefined ? undefined : invalidArgument(problem)
}

function unscripted({ call }: Asked): Step {
  const isVertex = pathOf(call).includes('/publishers/')
  const { authorization, 'x-goog-api-key': key } = call.headers
  const hasKey = (key ?? call.query.get('key')) !== null && (key ?? call.query.get('key')) !== undefined
  if (isVertex && !/^Bearer \S/.test(authorization ?? '')) return status(401)
  if (!hasKey && authorization === undefined) {
    const hint = 'Please use API Key or other form of API consumer identity to call this API.'
    const message = `Method doesn't allow unregistered callers (callers without established identity). ${hint}`
    return status(403, googleError(403, 'PERMISSION_DENIED', message))
  }
  if (call.method === 'GET') {
    if (call.model === '') return json({ models: MODELS })
    const found = MODELS.find(({ name }) => name === `models/${call.model}`)
    return found === undefined ? status(404) : json(found)
  }
  return answer()
}

function isCount(call: RecordedCall): boolean {
  return pathOf(call).endsWith(':countTokens')
}

function counted(totalTokens: number) {
  return { totalTokens, promptTokensDetails: [{ modality: 'TEXT', tokenCount: totalTokens }] }
}
