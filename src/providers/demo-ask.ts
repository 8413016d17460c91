/** A JSON object. */
export type Fields = Record<string, unknown>

/** A message of the conversation, with its content as text: see `parseAsk`. */
export interface DemoMessage {
  role: string
  text: string
}

/** A function that may be called, with the JSON schema of its arguments. */
export interface DemoTool {
  name: string
  parameters: Fields
}

/** What a Chat Completions request asks of the demo provider. */
export interface DemoAsk {
  model: string
  /** At least one. */
  messages: readonly DemoMessage[]
  stream: boolean
  includeUsage: boolean
  /** How many choices, `n`. */
  choices: number
  /** The most output tokens per choice. */
  maxTokens: number | undefined
  stops: readonly string[]
  /** The tool to call; undefined when the answer is not a tool call. */
  tool: DemoTool | undefined
  /** `schema` is undefined for any JSON object; undefined altogether for text. */
  json: { schema: unknown } | undefined
}

/** A request that the API refuses, with the members of OpenAI's error object. */
export class DemoRefusal extends Error {
  readonly status: number
  readonly param: string | null
  readonly code: string | null

  constructor(status: number, message: string, param: string | null, code: string | null) {
    super(message)
    this.status = status
    this.param = param
    this.code = code
  }
}

const roles = ['developer', 'system', 'user', 'assistant', 'tool', 'function']

/**
 * Reads a request body; optional members may be null, as for OpenAI. Of multi-part content each part becomes a line:
 * its text, or `[image]`, `[audio]`, `[file]`.
 * @throws DemoRefusal
 */
export function parseAsk(text: string): DemoAsk {
  const body = parseObject(text)
  const messages = readMessages(body)
  const stream = read(body, 'stream', 'a boolean', isFlag) ?? false
  const streamOptions = read(body, 'stream_options', 'an object', isFields)
  if (streamOptions !== undefined && !stream) {
    const message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
    throw new DemoRefusal(400, message, 'stream_options', null)
  }
  return {
    model: readModel(body),
    messages,
    stream,
    includeUsage: isUsageIncluded(streamOptions),
    choices: read(body, 'n', 'an integer from 1 to 128', isChoiceCount) ?? 1,
    maxTokens:
      read(body, 'max_completion_tokens', 'a positive integer', isCount) ??
      read(body, 'max_tokens', 'a positive integer', isCount),
    stops: [read(body, 'stop', 'a string or an array of strings', isStop) ?? []].flat(),
    tool: readTool(body, messages),
    json: readJsonFormat(body),
  }
}

function parseObject(text: string): Fields {
  try {
    const body: unknown = JSON.parse(text)
    if (isFields(body)) return body
  } catch {
    // The answer is the same for JSON that is not an object.
  }
  throw new DemoRefusal(400, 'We could not parse the JSON body of your request.', null, null)
}

function readModel(body: Fields): string {
  const model = read(body, 'model', 'a string', isText)
  if (model === undefined) throw missing('model')
  if (model === 'echo') return model
  const message = `The model \`${model}\` does not exist or you do not have access to it.`
  throw new DemoRefusal(404, message, null, 'model_not_found')
}

function readMessages(body: Fields): DemoMessage[] {
  const messages = read(body, 'messages', 'an array of objects', isList)
  if (messages === undefined) throw missing('messages')
  if (messages.length === 0) {
    const message = "Invalid 'messages': empty array. Expected an array with minimum length 1."
    throw new DemoRefusal(400, message, 'messages', 'empty_array')
  }
  return messages.map((message, index) => readMessage(message, `messages[${index}]`))
}

function readMessage(message: unknown, path: string): DemoMessage {
  if (!isFields(message)) throw wrongType(path, 'an object', message)
  const { role, content } = message
  if (role === undefined) throw missing(`${path}.role`)
  if (!isText(role)) throw wrongType(`${path}.role`, 'a string', role)
  if (!roles.includes(role)) {
    const expected = roles.map((known) => `'${known}'`).join(', ')
    const text = `Invalid value: '${role}'. Supported values are: ${expected}.`
    throw new DemoRefusal(400, text, `${path}.role`, 'invalid_value')
  }
  return { role, text: readContent(content ?? '', `${path}.content`) }
}

function readContent(content: unknown, path: string): string {
  if (isText(content)) return content
  if (!isList(content)) throw wrongType(path, 'a string or an array of objects', content)
  return content.map((part, index) => partText(part, `${path}[${index}]`)).join('\n')
}

function partText(part: unknown, path: string): string {
  if (!isFields(part)) throw wrongType(path, 'an object', part)
  const { type, text, refusal } = part
  if (type === undefined) throw missing(`${path}.type`)
  if (!isText(type)) throw wrongType(`${path}.type`, 'a string', type)
  if (type === 'text' && !isText(text)) throw wrongType(`${path}.text`, 'a string', text)
  if (isText(text)) return text
  return isText(refusal) ? refusal : `[${type.replace(/^input_|_url$/g, '')}]`
}

function isUsageIncluded({ include_usage: isIncluded }: Fields = {}): boolean {
  return isIncluded === true
}

function readTool(body: Fields, messages: readonly DemoMessage[]): DemoTool | undefined {
  const tools = (read(body, 'tools', 'an array of objects', isList) ?? []).flatMap(toolOf)
  const choice = read(body, 'tool_choice', 'a string or an object', isToolChoice)
  const wanted = isFields(choice) ? nameOf(choice) : undefined
  if (wanted !== undefined && !tools.some((tool) => tool.name === wanted)) {
    const message = "Invalid value for 'tool_choice': the named function is not in 'tools'."
    throw new DemoRefusal(400, message, 'tool_choice', null)
  }
  if (choice === 'none' || isToolResult(messages.at(-1))) return undefined
  return tools.find((tool) => wanted === undefined || tool.name === wanted)
}

function toolOf(tool: unknown, index: number): DemoTool[] {
  if (!isFields(tool)) throw wrongType(`tools[${index}]`, 'an object', tool)
  const { type, function: definition } = tool
  // Custom tools take free text, which this provider never calls.
  if (type === 'custom') return []
  if (!isFields(definition)) throw missing(`tools[${index}].function`)
  const { name, parameters } = definition
  if (!isText(name) || name === '') throw missing(`tools[${index}].function.name`)
  const schema = parameters ?? {}
  if (!isFields(schema)) throw wrongType(`tools[${index}].function.parameters`, 'an object', parameters)
  return [{ name, parameters: schema }]
}

function nameOf({ function: definition }: Fields): unknown {
  const { name } = isFields(definition) ? definition : {}
  return name
}

function readJsonFormat(body: Fields): { schema: unknown } | undefined {
  const format = read(body, 'response_format', 'an object', isFields)
  const { type, json_schema: definition } = format ?? { type: 'text' }
  if (type === 'text') return undefined
  if (type === 'json_object') return { schema: undefined }
  if (type === 'json_schema' && isFields(definition)) {
    const { schema } = definition
    return { schema: schema ?? {} }
  }
  const message = "Invalid 'response_format': it is not of the type text, json_object or json_schema."
  throw new DemoRefusal(400, message, 'response_format', 'invalid_value')
}

/** Whether a message is what a tool answered. */
export function isToolResult(message: DemoMessage | undefined): boolean {
  return message?.role === 'tool' || message?.role === 'function'
}

/** Whether a parsed JSON value is an object. */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Whether a parsed JSON value is an array. */
export function isList(value: unknown): value is unknown[] {
  return Array.isArray(value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isFlag(value: unknown): value is boolean {
  return typeof value === 'boolean'
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) > 0
}

function isChoiceCount(value: unknown): value is number {
  return isCount(value) && value <= 128
}

function isStop(value: unknown): value is string | string[] {
  return isText(value) || (isList(value) && value.every(isText))
}

function isToolChoice(value: unknown): value is string | Fields {
  return isText(value) || isFields(value)
}

function read<T>(
  body: Fields,
  name: string,
  expected: string,
  is: (value: unknown) => value is T,
): T | undefined {
  const value = body[name]
  if (value === undefined || value === null) return undefined
  if (is(value)) return value
  throw wrongType(name, expected, value)
}

function missing(param: string): DemoRefusal {
  return new DemoRefusal(400, `Missing required parameter: '${param}'.`, param, 'missing_required_parameter')
}

function wrongType(param: string, expected: string, value: unknown): DemoRefusal {
  const message = `Invalid type for '${param}': expected ${expected}, but got ${kindOf(value)} instead.`
  return new DemoRefusal(400, message, param, 'invalid_type')
}

function kindOf(value: unknown): string {
  if (value === undefined || value === null) return 'null'
  if (isList(value)) return 'an array'
  if (isFields(value)) return 'an object'
  return typeof value === 'number' ? `the number ${value}` : `a ${typeof value}`
}
