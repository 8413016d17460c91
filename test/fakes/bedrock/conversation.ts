import type { Answer } from '../answer'
import type { JsonObject } from '../chat-request'
import type { Chunk, Told } from '../dialect'
import { proofOf } from '../proofs'
import type { StreamOptions } from '../steps'
import { answerOf, objectOf } from '../told'
import { countsOf, type Usage } from '../usage'

const STOP_REASONS: Record<string, string> = {
  stop: 'end_turn',
  length: 'max_tokens',
  tool_calls: 'tool_use',
  content_filter: 'content_filtered',
  refusal: 'guardrail_intervened',
  context_length: 'model_context_window_exceeded',
}

/** A whole Converse reply. */
export function conversation(told: Told): JsonObject {
  const answer = answerOf(told)
  return {
    metrics: { latencyMs: 412 },
    output: { message: { content: blocksOf(answer), role: 'assistant' } },
    stopReason: stopReason(answer),
    usage: told.usage === null ? undefined : tokenUsage(told.usage),
    ...told.extraFields,
  }
}

/** The events of ConverseStream: only uses of tools are announced, and the usage comes after the end. */
export function conversationEvents(told: Told, options: StreamOptions): Chunk[] {
  const answer = answerOf(told)
  const blocks = deltasOf(answer, options).flatMap(({ start, deltas }, contentBlockIndex) => [
    ...(start === undefined ? [] : [chunk({ contentBlockStart: { contentBlockIndex, start } })]),
    ...deltas.map((delta) => ({
      ...chunk({ contentBlockDelta: { contentBlockIndex, delta } }),
      isText: delta['text'] !== undefined,
    })),
    chunk({ contentBlockStop: { contentBlockIndex } }),
  ])
  const usage = told.usage === null ? undefined : tokenUsage(told.usage)
  return [
    chunk({ messageStart: { role: 'assistant' } }),
    ...blocks,
    { data: { messageStop: { stopReason: stopReason(answer) } }, isTerminal: true },
    { data: { metadata: { metrics: { latencyMs: 412 }, usage, ...told.extraFields } }, isTerminal: true },
  ]
}

function stopReason({ finishReason, refusal }: Answer): string {
  if (refusal.length > 0 && finishReason === 'stop') return 'guardrail_intervened'
  return STOP_REASONS[finishReason] ?? finishReason
}

/** The input does not include what the cache served or took; the total does. */
function tokenUsage(usage: Usage): JsonObject {
  const { fresh, cached, written, written1h, output } = countsOf(usage)
  const cacheDetails = [
    { ttl: '1h', inputTokens: written1h },
    { ttl: '5m', inputTokens: written - written1h },
  ].filter(({ inputTokens }) => inputTokens > 0)
  return {
    cacheReadInputTokens: cached,
    cacheWriteInputTokens: written,
    ...(written > 0 && { cacheDetails }),
    inputTokens: fresh,
    outputTokens: output,
    totalTokens: fresh + cached + written + output,
  }
}

function blocksOf({ reasoning, isRedacted, refusal, content, toolCalls }: Answer): JsonObject[] {
  const thought = reasoning.join('')
  const said = [...refusal, ...content].join('')
  const reasoningContent = isRedacted
    ? { redactedContent: proofOf('redacted', thought) }
    : { reasoningText: { signature: proofOf('anthropic', thought), text: thought } }
  return [
    ...(thought === '' ? [] : [{ reasoningContent }]),
    ...(said === '' ? [] : [{ text: said }]),
    ...toolCalls.map(({ id, name, arguments: json }) => ({
      toolUse: { input: objectOf(json), name, toolUseId: id },
    })),
  ]
}

interface Block {
  start?: JsonObject
  deltas: JsonObject[]
}

function deltasOf(answer: Answer, { toolStyle }: StreamOptions): Block[] {
  const { reasoning, isRedacted, refusal, content, toolCalls } = answer
  const thought = reasoning.join('')
  const parts = isRedacted
    ? [{ redactedContent: proofOf('redacted', thought) }]
    : [...reasoning.map((text) => ({ text })), { signature: proofOf('anthropic', thought) }]
  const said = [...refusal, ...content].map((text) => ({ text }))
  const calls = toolCalls.map(({ id, name, arguments: json }) => ({
    start: { toolUse: { name, toolUseId: id } },
    deltas: (toolStyle === 'whole' ? [json] : ['', ...(json.match(/.{1,7}/gsu) ?? [])]).map((input) => ({
      toolUse: { input },
    })),
  }))
  return [
    ...(thought === '' ? [] : [{ deltas: parts.map((reasoningContent) => ({ reasoningContent })) }]),
    ...(said.length === 0 ? [] : [{ deltas: said }]),
    ...calls,
  ]
}

function chunk(data: JsonObject): Chunk {
  return { data, isTerminal: false }
}
