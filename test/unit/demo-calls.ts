import type OpenAI from 'openai'
import { demoFetch } from '../../src/providers/demo'

/** Where the demo provider is, if anyone asked. */
export const base = 'https://demo.invalid/v1'
/** A user message of 13 characters. */
export const user = { role: 'user', content: 'Hello, world!' }
/** A tool with one required argument. */
export const weather = {
  type: 'function',
  function: {
    name: 'weather',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
} as const
/** A tool without arguments. */
export const clock = { type: 'function', function: { name: 'clock' } } as const

/** Sends a chat request for the model `echo`, which the body may override. */
export function ask(body: object, signal: AbortSignal | null = null): Promise<Response> {
  const text = JSON.stringify({ model: 'echo', ...body })
  return demoFetch(new Request(`${base}/chat/completions`, { method: 'POST', body: text, signal }))
}

/** The answer to a chat request as an object. */
export async function completion(body: object): Promise<OpenAI.ChatCompletion> {
  return (await ask(body)).json()
}

/** The text of the first choice. */
export async function content0(body: object): Promise<string> {
  return (await completion(body)).choices[0]?.message.content ?? ''
}

/** The chunks of a stream, and the data of its last event. */
export async function eventsOf(response: Response) {
  const events = (await response.text()).split('\n\n').filter((event) => event !== '')
  const data = events.map((event) => event.replace(/^data: /, ''))
  const chunks: OpenAI.ChatCompletionChunk[] = data.slice(0, -1).map((text) => JSON.parse(text))
  return { chunks, last: data.at(-1) }
}
