import { bodyOf, type Fields, fieldsOf, listOf, numberOf, unknownMember } from '../fields'
import type { RecordedCall } from '../recorder'

const MEMBERS = [
  'max_tokens',
  'messages',
  'model',
  'cache_control',
  'container',
  'context_management',
  'diagnostics',
  'inference_geo',
  'mcp_servers',
  'metadata',
  'output_config',
  'output_format',
  'service_tier',
  'speed',
  'stop_sequences',
  'stream',
  'system',
  'thread',
  'temperature',
  'thinking',
  'tool_choice',
  'tools',
  'top_k',
  'top_p',
  'user_profile_id',
  'workspace_id',
  'anthropic_version',
  'anthropic_beta',
]
/** What API version 2026-10-21 no longer knows, not even with the usual values. */
const REMOVED = ['temperature', 'top_p', 'top_k']
const SEE =
  'Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking'

/** What Anthropic complains of in the members of a request, besides its messages. */
export function formProblem(call: RecordedCall): string | undefined {
  const body = bodyOf(call)
  const isVertex = /awPredict$/.test(call.path)
  const isCount = call.path.includes('/count_tokens')
  const unknown = unknownMember(body, MEMBERS)
  if (unknown !== undefined) return `${unknown}: Extra inputs are not permitted`
  const removed = isVersion2026(call) ? REMOVED.find((name) => body[name] !== undefined) : undefined
  if (removed !== undefined) return `${removed}: Extra inputs are not permitted`
  if (body['model'] === undefined && !isVertex) return 'model: Field required'
  if (body['max_tokens'] === undefined && !isCount) return 'max_tokens: Field required'
  if (numberOf(body['max_tokens']) === 0) return 'max_tokens: Input should be greater than or equal to 1'
  if (body['messages'] === undefined) return 'messages: Field required'
  const role = listOf(body['messages']).findIndex((message) => unknownMember(message, ['role', 'content']))
  if (role >= 0) {
    const member = unknownMember(listOf(body['messages'])[role] ?? {}, ['role', 'content'])
    return `messages.${role}.${member}: Extra inputs are not permitted`
  }
  const temperature = numberOf(body['temperature'])
  if (temperature !== undefined && temperature > 1) return 'temperature: range: 0..1'
  return thinkingProblem(body)
}

/** Whether the call is of API version 2026-10-21, which takes less than the one of 2023. */
export function isVersion2026(call: RecordedCall): boolean {
  return call.headers['anthropic-version'] === '2026-10-21'
}

/** Whether the request asks for thinking. */
export function isThinking(body: Fields): boolean {
  const { type } = fieldsOf(body['thinking'])
  return type === 'enabled' || type === 'adaptive'
}

function thinkingProblem(body: Fields): string | undefined {
  if (!isThinking(body)) return undefined
  const thinking = fieldsOf(body['thinking'])
  const budget = numberOf(thinking['budget_tokens']) ?? 0
  if (thinking['type'] === 'enabled') {
    if (thinking['budget_tokens'] === undefined) return 'thinking.enabled.budget_tokens: Field required'
    if (budget < 1024) {
      return 'thinking.enabled.budget_tokens: Input should be greater than or equal to 1024'
    }
    if ((numberOf(body['max_tokens']) ?? Number.POSITIVE_INFINITY) <= budget) {
      return `\`max_tokens\` must be greater than \`thinking.budget_tokens\`. ${SEE}#max-tokens-and-context-window-size`
    }
  }
  if ((numberOf(body['temperature']) ?? 1) !== 1) {
    return `\`temperature\` may only be set to 1 when thinking is enabled. ${SEE}#important-considerations-when-using-extended-thinking`
  }
  if (body['top_k'] !== undefined) return `\`top_k\` must be unset when thinking is enabled. ${SEE}`
  const choice = fieldsOf(body['tool_choice'])['type']
  if (choice === 'any' || choice === 'tool')
    return 'Thinking may not be enabled when tool_choice forces tool use.'
  return undefined
}
