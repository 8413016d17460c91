import { bodyOf, type Fields, fieldsOf, listOf, stringOf, unknownMember } from '../fields'
import { isProof } from '../proofs'
import type { RecordedCall } from '../recorder'

const MEMBERS = [
  'messages',
  'system',
  'inferenceConfig',
  'toolConfig',
  'guardrailConfig',
  'additionalModelRequestFields',
  'additionalModelResponseFieldPaths',
  'promptVariables',
  'requestMetadata',
  'performanceConfig',
  'serviceTier',
  'outputConfig',
]

/** What Bedrock complains of in a request; unlike Anthropic it wants roles to alternate strictly. */
export function bedrockRefusal(call: RecordedCall): string | undefined {
  const body = bodyOf(call)
  const unknown = unknownMember(body, MEMBERS)
  if (unknown !== undefined) return `${unknown}: Extra inputs are not permitted`
  const messages = listOf(body['messages'])
  if (messages[0]?.['role'] !== 'user') {
    const rule = 'A conversation must start with a user message.'
    return `${rule} Try again with a conversation that starts with a user message.`
  }
  for (const [index, message] of messages.entries()) {
    const problem = messageProblem(message, index, messages)
    if (problem !== undefined) return problem
  }
  const usesTools = messages.some(
    ({ content }) => [...values(content, 'toolUse'), ...values(content, 'toolResult')][0],
  )
  return usesTools && listOf(fieldsOf(body['toolConfig'])['tools']).length === 0
    ? 'The toolConfig field must be defined when using toolUse and toolResult content blocks.'
    : undefined
}

function messageProblem({ role, content }: Fields, index: number, messages: Fields[]): string | undefined {
  if (index > 0 && messages[index - 1]?.['role'] === role) {
    const rule = 'A conversation must alternate between user and assistant roles.'
    return `${rule} Make sure the conversation alternates between user and assistant roles and try again.`
  }
  const blocks = listOf(content)
  if (blocks.length === 0) return `The content field in the Message object at messages.${index} is empty.`
  for (const [nth, block] of blocks.entries()) {
    const problem = blockProblem(block, index, nth)
    if (problem !== undefined) return problem
  }
  return pairsProblem(messages, index)
}

function blockProblem(block: Fields, index: number, nth: number): string | undefined {
  const at = `messages.${index}.content.${nth}`
  if (typeof block['text'] === 'string' && block['text'].trim() === '') {
    const hint = 'Add text to the text field, and try again.'
    return `The text field in the ContentBlock object at ${at} is blank. ${hint}`
  }
  const member = `messages.${index + 1}.member.content.${nth + 1}.member`
  for (const kind of ['toolUse', 'toolResult']) {
    const id = fieldsOf(block[kind])['toolUseId']
    if (block[kind] === undefined || /^[a-zA-Z0-9_-]{1,64}$/.test(stringOf(id))) continue
    const value = `Value '${stringOf(id)}' at '${member}.${kind}.toolUseId' failed to satisfy constraint`
    return `1 validation error detected: ${value}: Member must satisfy regular expression pattern: [a-zA-Z0-9_-]+`
  }
  const { reasoningText, redactedContent } = fieldsOf(block['reasoningContent'])
  const { text, signature } = fieldsOf(reasoningText)
  const isIntact =
    (reasoningText === undefined || isProof('anthropic', stringOf(signature), stringOf(text))) &&
    (redactedContent === undefined || isProof('redacted', stringOf(redactedContent)))
  return isIntact
    ? undefined
    : `The model returned the following errors: ${at}: Invalid \`signature\` in \`thinking\` block`
}

function pairsProblem(messages: Fields[], index: number): string | undefined {
  const uses = idsIn(messages[index - 1], 'toolUse')
  const results = idsIn(messages[index], 'toolResult')
  const open = uses.filter((id) => !results.includes(id))
  const where = `messages.${index}.content`
  if (open.length > 0)
    return `Expected toolResult blocks at ${where} for the following Ids: ${open.join(', ')}`
  if (results.length > uses.length || results.some((id) => !uses.includes(id))) {
    return `The number of toolResult blocks at ${where} exceeds the number of toolUse blocks of previous turn.`
  }
  const last = idsIn(messages[index], 'toolUse')
  return index === messages.length - 1 && last.length > 0
    ? `Expected toolResult blocks at messages.${index + 1}.content for the following Ids: ${last.join(', ')}`
    : undefined
}

function idsIn(message: Fields | undefined, kind: string): string[] {
  return values(message?.['content'], kind).map((one) => stringOf(one['toolUseId']))
}

function values(content: unknown, kind: string): Fields[] {
  return listOf(content)
    .filter((block) => block[kind] !== undefined)
    .map((block) => fieldsOf(block[kind]))
}
