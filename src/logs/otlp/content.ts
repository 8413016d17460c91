import { fieldsOf, jsonOf, listOf, textOf } from '../../protocols/fields'
import type { LogBody, LogRecord } from '../log-record'
import { partsOfBodies } from '../present-bodies'
import type { AttributeValue } from './values'

/** The settings of a request that the conventions have names for; by the names that the protocols have for them. */
const SETTINGS: readonly (readonly [attribute: string, names: readonly string[]])[] = [
  ['gen_ai.request.temperature', ['temperature']],
  ['gen_ai.request.top_p', ['top_p', 'topP']],
  ['gen_ai.request.top_k', ['top_k', 'topK']],
  [
    'gen_ai.request.max_tokens',
    ['max_completion_tokens', 'max_tokens', 'max_output_tokens', 'maxOutputTokens'],
  ],
  ['gen_ai.request.frequency_penalty', ['frequency_penalty', 'frequencyPenalty']],
  ['gen_ai.request.presence_penalty', ['presence_penalty', 'presencePenalty']],
  ['gen_ai.request.seed', ['seed']],
]

/** What the body of a request sets; nothing when it is not in the record itself. */
export function settingsOf(record: LogRecord): Record<string, AttributeValue> {
  const bytes = inlineBytes(record.requestBody)
  const body = bytes === undefined ? {} : fieldsOf(jsonOf(new TextDecoder().decode(bytes)))
  const all = { ...body, ...fieldsOf(body.generationConfig) }
  const stop = all.stop ?? all.stop_sequences ?? all.stopSequences
  const stops = typeof stop === 'string' ? [stop] : listOf(stop).flatMap((one) => textOf(one) ?? [])
  return {
    ...Object.fromEntries(SETTINGS.map(([attribute, names]) => [attribute, firstNumber(all, names)])),
    'gen_ai.request.choice.count': all.n === 1 ? undefined : firstNumber(all, ['n', 'candidateCount']),
    'gen_ai.request.stop_sequences': stops.length === 0 ? undefined : stops,
  }
}

/** The messages themselves, as JSON in the shape of the conventions. Off unless an operator wants it. */
export function contentOf(record: LogRecord): Record<string, AttributeValue> {
  const facts = {
    protocol: record.protocol ?? null,
    stream: record.stream,
    statusCode: record.statusCode,
    upstreamModel: record.upstreamModel ?? null,
  }
  const bodies = { request: inlineBytes(record.requestBody), response: inlineBytes(record.responseBody) }
  const { prompt_messages, completion_messages } = partsOfBodies(facts, bodies, {})
  const input = listOf(prompt_messages).map(messageOf)
  const finish_reason = record.finishReason ?? 'unknown'
  const output = listOf(completion_messages).map((message) => ({ ...messageOf(message), finish_reason }))
  return {
    'gen_ai.input.messages': input.length === 0 ? undefined : JSON.stringify(input),
    'gen_ai.output.messages': output.length === 0 ? undefined : JSON.stringify(output),
  }
}

/** A chat message as one of the conventions' (gen-ai-input-messages.json): a role and typed parts. */
function messageOf(message: unknown) {
  const { role, content, tool_calls, tool_call_id, reasoning_content } = fieldsOf(message)
  if (tool_call_id !== undefined)
    return { role: 'tool', parts: [{ type: 'tool_call_response', id: tool_call_id, response: content }] }
  const thoughts = textOf(reasoning_content)
  return {
    role: textOf(role) ?? 'user',
    parts: [
      ...(thoughts === undefined ? [] : [{ type: 'reasoning', content: thoughts }]),
      ...(typeof content === 'string' ? [{ type: 'text', content }] : listOf(content).map(partOf)),
      ...listOf(tool_calls).map(callOf),
    ],
  }
}

function partOf(part: unknown) {
  const fields = fieldsOf(part)
  return fields.type === 'text' ? { type: 'text', content: fields.text } : fields
}

function callOf(call: unknown) {
  const { id, function: called } = fieldsOf(call)
  const { name, arguments: given } = fieldsOf(called)
  return {
    type: 'tool_call',
    id,
    name,
    arguments: typeof given === 'string' ? (jsonOf(given) ?? given) : given,
  }
}

function firstNumber(fields: Record<string, unknown>, names: readonly string[]): number | undefined {
  const value = names.map((name) => fields[name]).find((one) => typeof one === 'number')
  return typeof value === 'number' ? value : undefined
}

function inlineBytes(body: LogBody | undefined): Uint8Array | undefined {
  return body?.kind === 'inline' ? body.bytes : undefined
}
