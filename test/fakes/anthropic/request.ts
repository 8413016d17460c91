import type { ChatMessage, ChatRequest, ChatTool, JsonSchema } from '../chat-request'
import { bodyOf, type Fields, fieldsOf, listOf, numberOf, stringOf } from '../fields'
import type { RecordedCall } from '../recorder'

/** What a Messages request asks for, in the words of chat completions. */
export function anthropicRequest(call: RecordedCall): ChatRequest {
  const body = bodyOf(call)
  const limit = numberOf(body['max_tokens'])
  const format = fieldsOf(fieldsOf(body['output_config'])['format'] ?? body['output_format'])
  return {
    model: call.model,
    messages: [...systemOf(body['system']), ...listOf(body['messages']).flatMap(messagesOf)],
    stream: body['stream'] === true,
    tools: listOf(body['tools']).flatMap(toolOf),
    tool_choice: choiceOf(fieldsOf(body['tool_choice'])),
    response_format:
      format['type'] === 'json_schema'
        ? { type: 'json_schema', json_schema: { schema: fieldsOf(format['schema']) as JsonSchema } }
        : null,
    ...(limit !== undefined && { max_tokens: limit }),
  }
}

/** The blocks of a message; a text is one of them. */
export function blocksOf(content: unknown): Fields[] {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : listOf(content)
}

function systemOf(system: unknown): ChatMessage[] {
  return system === undefined ? [] : [{ role: 'system', content: joined(blocksOf(system)) }]
}

/** Results of tools come last, so that the model is seen to answer them. */
function messagesOf({ role, content }: Fields): ChatMessage[] {
  const blocks = blocksOf(content)
  const results = blocks.filter(({ type }) => type === 'tool_result')
  const text = joined(blocks)
  const said = text === '' && results.length > 0 ? [] : [{ role: stringOf(role), content: text }]
  return [...said, ...results.map((one) => ({ role: 'tool', content: joined(blocksOf(one['content'])) }))]
}

function joined(blocks: Fields[]): string {
  return blocks.map(({ text }) => stringOf(text)).join('')
}

/** Tools that the provider runs itself are not called by the fake. */
function toolOf(tool: Fields): ChatTool[] {
  if (tool['input_schema'] === undefined) return []
  return [
    { function: { name: stringOf(tool['name']), parameters: fieldsOf(tool['input_schema']) as JsonSchema } },
  ]
}

function choiceOf({ type, name }: Fields): NonNullable<ChatRequest['tool_choice']> {
  if (type === 'tool') return { function: { name: stringOf(name) } }
  return type === 'none' ? 'none' : 'auto'
}
