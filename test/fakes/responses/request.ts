import type { ChatMessage, ChatRequest, ChatTool, Json, JsonSchema } from '../chat-request'
import type { Asked } from '../dialect'
import { bodyOf, type Fields, fieldsOf, listOf, numberOf, stringOf } from '../fields'
import type { RecordedCall } from '../recorder'

/** What a Responses request asks for, in the words of chat completions. */
export function responsesRequest(call: RecordedCall): ChatRequest {
  const body = bodyOf(call)
  const format = fieldsOf(fieldsOf(body['text'])['format'])
  const limit = numberOf(body['max_output_tokens'])
  const instructions = stringOf(body['instructions'])
  return {
    model: call.model,
    messages: [
      ...(instructions === '' ? [] : [{ role: 'system', content: instructions }]),
      ...inputItems(call).flatMap(messageOf),
    ],
    tools: listOf(body['tools']).flatMap(toolOf),
    tool_choice: choiceOf(body['tool_choice']),
    response_format: formatOf(format),
    ...(limit !== undefined && { max_completion_tokens: limit }),
  }
}

/** The items of the input; a text is a user's message. */
export function inputItems(call: RecordedCall): Fields[] {
  const { input } = bodyOf(call)
  return typeof input === 'string' ? [{ type: 'message', role: 'user', content: input }] : listOf(input)
}

/** All that the model sees: what went before, then the input. */
export function wholeInput({ call, store }: Asked): Fields[] {
  const before = store.responses.get(stringOf(bodyOf(call)['previous_response_id']))
  if (before === undefined) return inputItems(call)
  return [...listOf(before.input), ...listOf(before.response['output']), ...inputItems(call)]
}

/** The same as JSON, to be kept. */
export function inputToKeep(asked: Asked): Json[] {
  return JSON.parse(JSON.stringify(wholeInput(asked)))
}

function messageOf(item: Fields): ChatMessage[] {
  const type = item['type'] ?? 'message'
  if (type === 'message') return [{ role: stringOf(item['role']), content: textIn(item['content']) }]
  const isResult = type === 'function_call_output' || type === 'custom_tool_call_output'
  return isResult ? [{ role: 'tool', content: textIn(item['output']) }] : []
}

function textIn(content: unknown): string {
  if (typeof content === 'string') return content
  return listOf(content)
    .map(({ text }) => stringOf(text))
    .join('')
}

function toolOf(tool: Fields): ChatTool[] {
  const name = stringOf(tool['name'])
  if (tool['type'] === 'custom') return [{ function: { name, parameters: { type: 'string' } } }]
  if (tool['type'] !== 'function') return []
  return [{ function: { name, parameters: fieldsOf(tool['parameters']) as JsonSchema } }]
}

function choiceOf(choice: unknown): NonNullable<ChatRequest['tool_choice']> {
  if (typeof choice === 'string') return choice
  const { name, tools } = fieldsOf(choice)
  const first = stringOf(name ?? listOf(tools)[0]?.['name'])
  return first === '' ? 'auto' : { function: { name: first } }
}

function formatOf({ type, schema }: Fields): NonNullable<ChatRequest['response_format']> | null {
  if (type === 'json_object') return { type }
  return type === 'json_schema' ? { type, json_schema: { schema: fieldsOf(schema) as JsonSchema } } : null
}
