import { type Gateway, type LogRow, user } from '../gateway'

/** The four protocols in which a client may ask, each with its path and its words for one question. */
export const clients = {
  chat: {
    path: () => '/v1/chat/completions',
    body: (model: string, stream: boolean) => ({ model, messages: user('ask me'), stream }),
  },
  responses: {
    path: () => '/v1/responses',
    body: (model: string, stream: boolean) => ({ model, input: 'ask me', stream }),
  },
  messages: {
    path: () => '/v1/messages',
    body: (model: string, stream: boolean) => ({
      ...{ model, messages: user('ask me'), max_tokens: 50 },
      stream,
    }),
  },
  gemini: {
    path: (model: string, stream: boolean) =>
      `/v1beta/models/${encodeURIComponent(model)}:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
    body: () => ({ contents: [{ role: 'user', parts: [{ text: 'ask me' }] }] }),
  },
} as const

export type Client = keyof typeof clients

/** An answer, all of it. */
export interface Answered {
  status: number
  headers: Headers
  text: string
  tookMs: number
  logId: string
}

/** An answer, and the row that it left. */
export interface Asked extends Answered {
  log: LogRow
}

export interface Asking {
  model: string
  stream?: boolean
  headers?: Record<string, string>
  /** Of the gateway's, beside the question. */
  parameters?: object
}

/** Asks in one of the protocols. */
export async function answerIn(gateway: Gateway, client: Client, given: Asking): Promise<Answered> {
  const { model, stream = false, headers = {}, parameters = {} } = given
  const body = JSON.stringify({ ...clients[client].body(model, stream), respan_params: parameters })
  const startedAt = Date.now()
  const path = clients[client].path(model, stream)
  const response = await gateway.fetch(path, { method: 'POST', body, headers })
  const text = await response.text()
  const tookMs = Date.now() - startedAt
  const logId = response.headers.get('x-respan-log-id') ?? ''
  return { status: response.status, headers: response.headers, text, tookMs, logId }
}

/** Asks in one of the protocols, and waits for the log. */
export async function askIn(gateway: Gateway, client: Client, given: Asking): Promise<Asked> {
  const answer = await answerIn(gateway, client, given)
  return { ...answer, log: await gateway.logOf(answer.logId) }
}
