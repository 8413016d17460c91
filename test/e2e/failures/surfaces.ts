import Anthropic from '@anthropic-ai/sdk'
import { ApiError, GoogleGenAI } from '@google/genai'
import OpenAI from 'openai'
import { expect } from 'vitest'
import type { Gateway } from '../gateway'
import { type Client, type Story, storyOf } from './stories'

/** One of the four protocols as a client speaks it. */
export interface Surface {
  name: string
  protocol: Client
  path(model: string, stream: boolean): string
  body(model: string, stream: boolean, text?: string): object
  headers?: Record<string, string>
  /** The field that holds the conversation. */
  conversation: string
  /** Checks that a body is the protocol's own error for this status, and tells its words. */
  error(body: unknown, status: number): { message: string }
  /** What a stream said. */
  story(stream: string): Story
  /** What the official SDK throws for a call; undefined when it throws nothing. */
  thrown(gateway: Gateway, model: string, how: { stream: boolean; key?: string }): Promise<Thrown | undefined>
}

type ErrorClass = new (...given: never[]) => Error

export interface Thrown {
  error: unknown
  /** The class that the SDK has for this status. */
  classFor(status: number): ErrorClass
  status: unknown
  message: string
}

/** Nothing that goes wrong may keep an SDK waiting for so long. */
const SDK_TIMEOUT_MS = 15_000

/** What each protocol calls an error, by status. */
const MESSAGES_WORDS: Record<number, string> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  415: 'invalid_request_error',
  424: 'invalid_request_error',
  429: 'rate_limit_error',
  500: 'api_error',
  502: 'api_error',
  503: 'overloaded_error',
  504: 'timeout_error',
  529: 'overloaded_error',
}
const CONTENTS_WORDS: Record<number, string> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  413: 'INVALID_ARGUMENT',
  415: 'INVALID_ARGUMENT',
  424: 'INVALID_ARGUMENT',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
  529: 'UNAVAILABLE',
}

function openAiError(body: unknown): { message: string } {
  const { error } = Object(body)
  expect(error, JSON.stringify(body)).toMatchObject({ message: expect.any(String), type: expect.any(String) })
  expect(Object.keys(error)).toEqual(expect.arrayContaining(['message', 'type', 'param', 'code']))
  return { message: error.message }
}

function messagesError(body: unknown, status: number): { message: string } {
  const error = { type: MESSAGES_WORDS[status], message: expect.any(String) }
  expect(body).toMatchObject({ type: 'error', error })
  return { message: Object(body).error.message }
}

function contentsError(body: unknown, status: number): { message: string } {
  const error = { code: status, message: expect.any(String), status: CONTENTS_WORDS[status] }
  expect(body).toMatchObject({ error })
  return { message: Object(body).error.message }
}

const openAiClass = (status: number) =>
  new Map<number, ErrorClass>([
    [400, OpenAI.BadRequestError],
    [401, OpenAI.AuthenticationError],
    [403, OpenAI.PermissionDeniedError],
    [404, OpenAI.NotFoundError],
    [429, OpenAI.RateLimitError],
  ]).get(status) ?? (status >= 500 ? OpenAI.InternalServerError : OpenAI.APIError)

const anthropicClass = (status: number) =>
  new Map<number, ErrorClass>([
    [400, Anthropic.BadRequestError],
    [401, Anthropic.AuthenticationError],
    [403, Anthropic.PermissionDeniedError],
    [404, Anthropic.NotFoundError],
    [429, Anthropic.RateLimitError],
  ]).get(status) ?? (status >= 500 ? Anthropic.InternalServerError : Anthropic.APIError)

async function caught(
  call: () => Promise<unknown>,
  classFor: Thrown['classFor'],
): Promise<Thrown | undefined> {
  try {
    const answer = await call()
    if (isIterable(answer)) for await (const _ of answer);
    return undefined
  } catch (error) {
    return { error, classFor, status: Object(error).status, message: String(Object(error).message) }
  }
}

function isIterable(value: unknown): value is AsyncIterable<unknown> {
  return Symbol.asyncIterator in Object(value)
}

const openai = ({ client }: Gateway, key: string | undefined) =>
  client({ timeout: SDK_TIMEOUT_MS, ...(key === undefined ? {} : { apiKey: key }) })

const user = (text: string) => ({ role: 'user' as const, content: text })

export const chat: Surface = {
  name: 'chat',
  protocol: 'openai-chat',
  conversation: 'messages',
  path: () => '/v1/chat/completions',
  body: (model, stream, text = 'hi') => ({ model, messages: [user(text)], ...(stream && { stream }) }),
  error: openAiError,
  story: (stream) => storyOf('openai-chat', stream),
  thrown: (gateway, model, { stream, key }) =>
    caught(
      async () => openai(gateway, key).chat.completions.create({ model, messages: [user('hi')], stream }),
      openAiClass,
    ),
}

export const responses: Surface = {
  name: 'responses',
  protocol: 'openai-responses',
  conversation: 'input',
  path: () => '/v1/responses',
  body: (model, stream, text = 'hi') => ({ model, input: text, ...(stream && { stream }) }),
  error: openAiError,
  story: (stream) => storyOf('openai-responses', stream),
  thrown: (gateway, model, { stream, key }) =>
    caught(async () => openai(gateway, key).responses.create({ model, input: 'hi', stream }), openAiClass),
}

export const messages: Surface = {
  name: 'messages',
  protocol: 'anthropic',
  conversation: 'messages',
  path: () => '/v1/messages',
  body: (model, stream, text = 'hi') => ({
    ...{ model, max_tokens: 200, messages: [user(text)] },
    ...(stream && { stream }),
  }),
  error: messagesError,
  story: (stream) => storyOf('anthropic', stream),
  thrown: (gateway, model, { stream, key }) =>
    caught(
      async () =>
        anthropic(gateway, key).messages.create({ model, max_tokens: 200, messages: [user('hi')], stream }),
      anthropicClass,
    ),
}

/** The SDK at the gateway. */
export function anthropic({ url, key: usual }: Gateway, key: string | undefined = usual): Anthropic {
  return new Anthropic({ baseURL: url, apiKey: key, maxRetries: 0, timeout: SDK_TIMEOUT_MS })
}

/** The SDK at the gateway. */
export function google({ url, key: usual }: Gateway, key: string | undefined = usual): GoogleGenAI {
  return new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: url, timeout: SDK_TIMEOUT_MS } })
}

export const contents: Surface = {
  name: 'contents',
  protocol: 'gemini',
  conversation: 'contents',
  path: (model, stream) =>
    `/v1beta/models/${model}:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
  body: (_model, _stream, text = 'hi') => ({ contents: [{ role: 'user', parts: [{ text }] }] }),
  error: contentsError,
  story: (stream) => storyOf('gemini', stream),
  thrown: (gateway, model, { stream, key }) => {
    const { models } = google(gateway, key)
    const asked = { model, contents: 'hi' }
    return caught(
      () => (stream ? models.generateContentStream(asked) : models.generateContent(asked)),
      () => ApiError,
    )
  },
}

/** The same without `alt=sse`, which answers with one JSON array. */
export const contentsInArray: Surface = {
  ...contents,
  name: 'contents in an array',
  path: (model, stream) => `/v1beta/models/${model}:${stream ? 'streamGenerateContent' : 'generateContent'}`,
  story: (stream) => storyOf('gemini-array', stream),
  // Compressed, as JSON is on its way, it would come in blocks.
  headers: { 'accept-encoding': 'identity' },
}

export const surfaces: Surface[] = [chat, responses, messages, contents]
