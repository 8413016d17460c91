import type { ChatMessage, ChatRequest, ChatTool, JsonSchema } from '../chat-request'
import { bodyOf, type Fields, fieldsOf, listOf, numberOf, stringOf } from '../fields'
import type { RecordedCall } from '../recorder'

/** What a Converse request asks for, in the words of chat completions. */
export function bedrockRequest(call: RecordedCall): ChatRequest {
  const body = bodyOf(call)
  const limit = numberOf(fieldsOf(body['inferenceConfig'])['maxTokens'])
  const config = fieldsOf(body['toolConfig'])
  const choice = fieldsOf(fieldsOf(config['toolChoice'])['tool'])['name']
  const system = listOf(body['system'])
  return {
    model: call.model,
    messages: [
      ...(system.length === 0 ? [] : [{ role: 'system', content: joined(system) }]),
      ...listOf(body['messages']).flatMap(messagesOf),
    ],
    tools: listOf(config['tools']).flatMap(toolOf),
    tool_choice: typeof choice === 'string' ? { function: { name: choice } } : 'auto',
    response_format: formatOf(fieldsOf(fieldsOf(body['outputConfig'])['textFormat'])),
    ...(limit !== undefined && { max_tokens: limit }),
  }
}

/** Results of tools come last, so that the model is seen to answer them. */
function messagesOf({ role, content }: Fields): ChatMessage[] {
  const blocks = listOf(content)
  const results = blocks.filter(({ toolResult }) => toolResult !== undefined)
  const text = joined(blocks)
  const said = text === '' && results.length > 0 ? [] : [{ role: stringOf(role), content: text }]
  const told = results.map(({ toolResult }) => joined(listOf(fieldsOf(toolResult)['content'])))
  return [...said, ...told.map((one) => ({ role: 'tool', content: one }))]
}

function joined(blocks: Fields[]): string {
  return blocks.map(({ text }) => stringOf(text)).join('')
}

function toolOf({ toolSpec }: Fields): ChatTool[] {
  if (toolSpec === undefined) return []
  const { name, inputSchema } = fieldsOf(toolSpec)
  const parameters = fieldsOf(fieldsOf(inputSchema)['json']) as JsonSchema
  return [{ function: { name: stringOf(name), parameters } }]
}

/** The schema comes as JSON text. */
function formatOf(format: Fields): NonNullable<ChatRequest['response_format']> | null {
  const schema = fieldsOf(fieldsOf(format['structure'])['jsonSchema'])['schema']
  if (typeof schema !== 'string') return null
  return { type: 'json_schema', json_schema: { schema: JSON.parse(schema) } }
}
