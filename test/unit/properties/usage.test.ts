import { describe, expect, test } from 'vitest'
import type { Usage } from '../../../src/protocols/canonical'
import { fieldsOf } from '../../../src/protocols/fields'
import type { ProtocolId, WireProtocolId } from '../../../src/protocols/protocol'
import { upstreamCodecs } from '../../../src/protocols/table'
import { type Dice, diceOf, expectSame, listOf } from '../dice'
import { CLIENTS, codecOf, contextOf, plain } from './clients'
import { randomUsage } from './random-reply'
import { sayableUsage } from './sayable'

const SEEDS = 500
const seeds = listOf(SEEDS, (seed) => seed)

/** A usage in a provider's own words, and what it says that it all adds up to. */
interface Told {
  reply: unknown
  total: number
}
type Count = () => number

/** Shapes that providers send; the names say whose. */
const SHAPES: readonly (readonly [string, WireProtocolId, (count: Count, dice: Dice) => Told])[] = [
  ['OpenAI', 'openai-chat', (count, dice) => chat(count, dice, (usage) => usage)],
  [
    'DeepSeek',
    'openai-chat',
    (count, dice) =>
      chat(count, dice, ({ prompt_tokens_details: details, ...usage }) => ({
        ...usage,
        prompt_cache_hit_tokens: fieldsOf(details).cached_tokens,
        prompt_cache_miss_tokens: Number(usage.prompt_tokens) - Number(fieldsOf(details).cached_tokens),
      })),
  ],
  [
    'reasoning beside the completion',
    'openai-chat',
    (count) => {
      const [prompt, completion, reasoning] = [count(), count(), count()]
      const total = prompt + completion + reasoning
      const usage = { prompt_tokens: prompt, completion_tokens: completion, total_tokens: total }
      const details = { completion_tokens_details: { reasoning_tokens: reasoning } }
      return { reply: chatReply({ ...usage, ...details }), total }
    },
  ],
  ['OpenAI', 'openai-responses', responses],
  ['Anthropic', 'anthropic', anthropic],
  ['Gemini', 'gemini', gemini],
  ['caches beside the input', 'bedrock-converse', (count) => bedrock(count, 'beside')],
  ['caches in the input', 'bedrock-converse', (count) => bedrock(count, 'inside')],
]

describe.each(SHAPES)('the usage of %s in %s', (_, protocol, tell) => {
  test(`adds up to the provider's own total, here and in every protocol (${SEEDS} seeds)`, () => {
    for (const seed of seeds) {
      const dice = diceOf(seed)
      const { reply, total } = tell(() => (dice.chance(0.3) ? 0 : dice.below(9_000)), dice)
      const about = () => `seed ${seed}: ${JSON.stringify(reply)}`
      const { usage } = upstreamCodecs[protocol].decodeReply(reply)
      if (usage === undefined) throw new Error(about())
      expectSame(totalOf(usage), total, about)
      expectSame(outOfBounds(usage), [], about)
      for (const client of CLIENTS) expectSame(nativeTotal(client, encoded(client, usage)), total, about)
    }
  })
})

describe.each(CLIENTS)('a usage told in %s', (protocol) => {
  test(`is read back with all the parts that it tells apart (${SEEDS} seeds)`, () => {
    for (const seed of seeds) {
      const usage = randomUsage(diceOf(seed))
      const body = encoded(protocol, usage)
      const read = upstreamCodecs[protocol].decodeReply(body).usage
      expectSame(
        plain(read),
        plain(sayableUsage(protocol, usage)),
        () => `seed ${seed}: ${JSON.stringify(body)}`,
      )
    }
    expect(totalOf(randomUsage(diceOf(1)))).toBeGreaterThan(0)
  })
})

function totalOf(usage: Usage): number {
  const { inputTokens, cacheReadTokens, cacheWrite5mTokens, cacheWrite1hTokens, outputTokens } = usage
  return inputTokens + cacheReadTokens + cacheWrite5mTokens + cacheWrite1hTokens + outputTokens
}

function outOfBounds(usage: Usage): string[] {
  const negative = Object.entries(usage).filter(([, count]) => !Number.isInteger(count) || count < 0)
  const isTooMuch = usage.reasoningTokens > usage.outputTokens
  return [...negative.map(([name]) => name), ...(isTooMuch ? ['more reasoning than output'] : [])]
}

function encoded(protocol: ProtocolId, usage: Usage): unknown {
  const parts = [{ kind: 'text', text: 'Yes.' } as const]
  const reply = { choices: [{ index: 0, parts, finish: 'stop' as const }], usage }
  return plain(codecOf(protocol).encodeReply(reply, contextOf(protocol)))
}

/** What the client adds up, which must be what it is told. */
function nativeTotal(protocol: ProtocolId, reply: unknown): unknown {
  const { usage, usageMetadata } = fieldsOf(reply)
  const told = fieldsOf(usage ?? usageMetadata)
  const sum = (...names: string[]) => names.reduce((all, name) => all + Number(told[name] ?? 0), 0)
  const agreed = (total: unknown, all: number) => (total === all ? all : `${total} is not ${all}`)
  switch (protocol) {
    case 'openai-chat':
      return agreed(told.total_tokens, sum('prompt_tokens', 'completion_tokens'))
    case 'openai-responses':
      return agreed(told.total_tokens, sum('input_tokens', 'output_tokens'))
    case 'anthropic':
      return sum('input_tokens', 'cache_creation_input_tokens', 'cache_read_input_tokens', 'output_tokens')
    case 'gemini':
      return agreed(
        told.totalTokenCount,
        sum('promptTokenCount', 'candidatesTokenCount', 'thoughtsTokenCount'),
      )
  }
}

type Fields = Record<string, unknown>

function chatReply(usage: Fields): Fields {
  const message = { role: 'assistant', content: 'Yes.' }
  return { id: 'chatcmpl-1', model: 'm', choices: [{ index: 0, message, finish_reason: 'stop' }], usage }
}

function chat(count: Count, dice: Dice, change: (usage: Fields) => Fields): Told {
  const [prompt, completion] = [count(), count()]
  const usage = {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: dice.below(prompt + 1) },
    completion_tokens_details: { reasoning_tokens: dice.below(completion + 1) },
  }
  return { reply: chatReply(change(usage)), total: prompt + completion }
}

function responses(count: Count, dice: Dice): Told {
  const [input, output] = [count(), count()]
  const cached = dice.below(input + 1)
  const usage = {
    input_tokens: input,
    input_tokens_details: { cached_tokens: cached, cache_write_tokens: dice.below(input - cached + 1) },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: dice.below(output + 1) },
    total_tokens: input + output,
  }
  return { reply: { id: 'resp_1', status: 'completed', output: [], usage }, total: input + output }
}

function anthropic(count: Count, dice: Dice): Told {
  const [input, read, write5m, write1h, output] = [count(), count(), count(), count(), count()]
  const split = { ephemeral_5m_input_tokens: write5m, ephemeral_1h_input_tokens: write1h }
  const usage = {
    input_tokens: input,
    cache_read_input_tokens: read,
    cache_creation_input_tokens: write5m + write1h,
    ...(dice.chance(0.7) ? { cache_creation: split } : {}),
    output_tokens: output,
  }
  const reply = {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    content: [],
    stop_reason: 'end_turn',
    usage,
  }
  return { reply, total: input + read + write5m + write1h + output }
}

function gemini(count: Count, dice: Dice): Told {
  const [prompt, candidates, thoughts, toolUse] = [count(), count(), count(), count()]
  const total = prompt + candidates + thoughts + toolUse
  const usageMetadata = {
    promptTokenCount: prompt,
    cachedContentTokenCount: dice.below(prompt + 1),
    ...(candidates === 0 ? {} : { candidatesTokenCount: candidates }),
    ...(thoughts === 0 ? {} : { thoughtsTokenCount: thoughts }),
    ...(toolUse === 0 ? {} : { toolUsePromptTokenCount: toolUse }),
    totalTokenCount: total,
  }
  const content = { role: 'model', parts: [{ text: 'Yes.' }] }
  return { reply: { candidates: [{ content, finishReason: 'STOP' }], usageMetadata }, total }
}

function bedrock(count: Count, place: 'inside' | 'beside'): Told {
  const [input, read, write, output] = [count(), count(), count(), count()]
  const cached = read + write
  const usage = {
    inputTokens: place === 'inside' ? input + cached : input,
    cacheReadInputTokens: read,
    cacheWriteInputTokens: write,
    outputTokens: output,
    totalTokens: input + cached + output,
  }
  const message = { role: 'assistant', content: [{ text: 'Yes.' }] }
  return { reply: { output: { message }, stopReason: 'end_turn', usage }, total: input + cached + output }
}
