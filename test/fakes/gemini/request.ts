import type { ChatMessage, ChatRequest, ChatTool, JsonSchema } from '../chat-request'
import { bodyOf, type Fields, fieldsOf, listOf, numberOf, stringOf } from '../fields'
import type { RecordedCall } from '../recorder'

/** What a generateContent request asks for, in the words of chat completions. */
export function geminiRequest(call: RecordedCall): ChatRequest {
  const body = bodyOf(call)
  const config = fieldsOf(member(body, 'generationConfig'))
  const limit = numberOf(member(config, 'maxOutputTokens'))
  const system = fieldsOf(member(body, 'systemInstruction'))
  return {
    model: call.model,
    messages: [
      ...(system['parts'] === undefined ? [] : [{ role: 'system', content: textOfParts(system) }]),
      ...listOf(body['contents']).flatMap(messagesOf),
    ],
    tools: listOf(body['tools']).flatMap(toolsOf),
    tool_choice: choiceOf(fieldsOf(member(fieldsOf(member(body, 'toolConfig')), 'functionCallingConfig'))),
    response_format: formatOf(config),
    n: numberOf(member(config, 'candidateCount')) ?? 1,
    ...(limit !== undefined && { max_tokens: limit }),
  }
}

/** A member in either of the spellings that Google reads: camelCase or snake_case. */
export function member(fields: Fields, camel: string): unknown {
  return fields[camel] ?? fields[camel.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)]
}

/** Results of functions come last, so that the model is seen to answer them. */
function messagesOf(content: Fields): ChatMessage[] {
  const results = listOf(content['parts']).map((part) => member(part, 'functionResponse'))
  const found = results.filter((result) => result !== undefined)
  const text = textOfParts(content)
  const role = content['role'] === 'model' ? 'assistant' : 'user'
  const said = text === '' && found.length > 0 ? [] : [{ role, content: text }]
  return [
    ...said,
    ...found.map((one) => ({ role: 'tool', content: JSON.stringify(fieldsOf(one)['response']) })),
  ]
}

function textOfParts(content: Fields): string {
  return listOf(content['parts'])
    .map(({ text }) => stringOf(text))
    .join('')
}

function toolsOf(tool: Fields): ChatTool[] {
  return listOf(member(tool, 'functionDeclarations')).map((declared) => {
    const schema = member(declared, 'parametersJsonSchema') ?? declared['parameters']
    return { function: { name: stringOf(declared['name']), parameters: fieldsOf(schema) as JsonSchema } }
  })
}

function choiceOf(config: Fields): NonNullable<ChatRequest['tool_choice']> {
  if (config['mode'] === 'NONE') return 'none'
  const allowed = member(config, 'allowedFunctionNames')
  return Array.isArray(allowed) ? { function: { name: stringOf(allowed[0]) } } : 'auto'
}

function formatOf(config: Fields): NonNullable<ChatRequest['response_format']> | null {
  if (member(config, 'responseMimeType') !== 'application/json') return null
  const schema = member(config, 'responseJsonSchema') ?? member(config, 'responseSchema')
  if (schema === undefined) return { type: 'json_object' }
  return { type: 'json_schema', json_schema: { schema: fieldsOf(schema) as JsonSchema } }
}
