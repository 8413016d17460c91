import { describe, expect, test } from 'vitest'
import { readParameters } from '../../src/pipeline/gateway-parameters'
import { upstreamBody } from '../../src/pipeline/upstream-body'
import { scanObject } from '../../src/platform/json-scan'
import type { ModelTraits } from '../../src/protocols/codec'
import { openaiChat } from '../../src/protocols/openai-chat/protocol'
import type { Target } from '../../src/providers/target'

const reasoning: ModelTraits = { refuses: ['temperature', 'stop'], wantsMaxCompletionTokens: true }

/** What a model with these traits is sent of a body, as text. */
function sent(body: string, traits: ModelTraits, more: Partial<Target> = {}) {
  const bytes = new TextEncoder().encode(body)
  const members = scanObject(bytes)
  const target: Target = {
    ...{ providerId: 'p', model: 'p/m', upstreamModel: 'm', protocol: 'openai-chat' },
    ...{ url: 'https://p.example/v1', auth: { kind: 'none' }, credential: { kind: 'none' } },
    traits,
    ...more,
  }
  const intake = {
    bytes,
    members,
    ...openaiChat.readRequest(bytes, members),
    ...readParameters(bytes, members, { headers: new Headers(), own: openaiChat.own }),
  }
  const { body: made, losses } = upstreamBody(intake, target, { protocol: openaiChat, withUsage: false })
  return { text: new TextDecoder().decode(made), losses }
}

const MESSAGES = '"messages":[{"role":"user","content":"hi"}]'

describe('a body on the raw lane', () => {
  test.each<[string, string, ModelTraits, string, string[]]>([
    [
      'goes on byte for byte to a model that takes it',
      `{ "model":"m", ${MESSAGES}, "temperature": 0.20, "max_tokens":5 }`,
      {},
      `{ "model":"m", ${MESSAGES}, "temperature": 0.20, "max_tokens":5 }`,
      [],
    ],
    [
      'loses what the model answers with an error, by name',
      `{"model":"m","temperature":0.2,${MESSAGES},"stop":["x"]}`,
      reasoning,
      `{"model":"m",${MESSAGES}}`,
      ['temperature', 'stop'],
    ],
    [
      'keeps it for a model that refuses it only while it reasons',
      `{"model":"m","temperature":0.2,${MESSAGES}}`,
      { ...reasoning, efforts: ['none', 'low'] },
      `{"model":"m","temperature":0.2,${MESSAGES}}`,
      [],
    ],
    [
      'names a limit as newer models do, with the number as it was written',
      `{"model":"m","max_tokens":1e2,${MESSAGES}}`,
      reasoning,
      `{"max_completion_tokens":1e2,"model":"m",${MESSAGES}}`,
      [],
    ],
    [
      'leaves a limit alone that has the newer name beside it',
      `{"model":"m","max_tokens":5,"max_completion_tokens":6,${MESSAGES}}`,
      reasoning,
      `{"model":"m","max_tokens":5,"max_completion_tokens":6,${MESSAGES}}`,
      [],
    ],
    [
      'does not lose a null, which sets nothing',
      `{"model":"m","temperature":null,${MESSAGES}}`,
      reasoning,
      `{"model":"m","temperature":null,${MESSAGES}}`,
      [],
    ],
  ])('%s', (_, body, traits, text, losses) => {
    expect(sent(body, traits)).toEqual({ text, losses })
  })

  test('gets what the endpoint wants, unless the client has it', () => {
    const bodyEdits = { remove: ['model'], insert: { anthropic_version: 'v1' } }
    expect(sent(`{"model":"m",${MESSAGES}}`, {}, { bodyEdits }).text).toBe(
      `{"anthropic_version":"v1",${MESSAGES}}`,
    )
    expect(sent(`{"model":"m",${MESSAGES},"anthropic_version":"v0"}`, {}, { bodyEdits }).text).toBe(
      `{${MESSAGES},"anthropic_version":"v0"}`,
    )
  })
})
