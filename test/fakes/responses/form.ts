import type { Asked } from '../dialect'
import { status } from '../faults'
import { bodyOf, type Fields, fieldsOf, numberOf, stringOf, unknownMember } from '../fields'
import { isProof } from '../proofs'
import { openAi } from '../provider-errors'
import type { Step } from '../steps'
import { inputItems, wholeInput } from './request'

const MEMBERS = [
  'background',
  'context_management',
  'conversation',
  'include',
  'input',
  'instructions',
  'max_output_tokens',
  'max_tool_calls',
  'metadata',
  'model',
  'moderation',
  'parallel_tool_calls',
  'previous_response_id',
  'prompt',
  'prompt_cache_key',
  'prompt_cache_options',
  'prompt_cache_retention',
  'reasoning',
  'safety_identifier',
  'service_tier',
  'store',
  'stream',
  'stream_options',
  'temperature',
  'text',
  'tool_choice',
  'tools',
  'top_logprobs',
  'top_p',
  'truncation',
  'user',
]

/** OpenAI's 400 for a request to /responses that it does not accept. */
export function refusedResponse(asked: Asked): Step | undefined {
  const body = bodyOf(asked.call)
  const unknown = unknownMember(body, MEMBERS)
  if (unknown !== undefined) return invalid(`Unknown parameter: '${unknown}'.`, 'unknown_parameter', unknown)
  if (body['input'] === undefined && body['prompt'] === undefined) {
    return invalid("Missing required parameter: 'input'.", 'missing_required_parameter', 'input')
  }
  const limit = numberOf(body['max_output_tokens'])
  if (limit !== undefined && limit < 16) {
    const found = `Expected a value >= 16, but got ${limit} instead.`
    const message = `Invalid 'max_output_tokens': integer below minimum value. ${found}`
    return invalid(message, 'integer_below_min_value', 'max_output_tokens')
  }
  const previous = stringOf(body['previous_response_id'])
  if (previous !== '' && !asked.store.responses.has(previous)) {
    const message = `Previous response with id '${previous}' not found.`
    return invalid(message, 'previous_response_not_found', 'previous_response_id')
  }
  return refusedItems(asked) ?? refusedPairs(wholeInput(asked))
}

/** An error 400 of /responses. */
export function invalid(message: string, code: string | null = null, param: string | null = null): Step {
  return status(400, openAi(message, 'invalid_request_error', code, param).body)
}

function refusedItems(asked: Asked): Step | undefined {
  for (const [index, item] of inputItems(asked.call).entries()) {
    const encrypted = stringOf(item['encrypted_content'])
    if (item['type'] === 'reasoning') {
      if (encrypted !== '' && !isProof('openai', encrypted)) {
        const short = `${encrypted.slice(0, 4)}...${encrypted.slice(-4)}`
        const reason = 'Reason: Encrypted content could not be decrypted or parsed.'
        const message = `The encrypted content ${short} could not be verified. ${reason}`
        return invalid(message, 'invalid_encrypted_content')
      }
      if (encrypted === '' && !isKnown(asked, stringOf(item['id']))) return notFound(stringOf(item['id']))
      if (!Array.isArray(item['summary'])) {
        const at = `input[${index}].summary`
        return invalid(`Missing required parameter: '${at}'.`, 'missing_required_parameter', at)
      }
    }
    if (item['type'] === 'function_call' && typeof item['arguments'] !== 'string') {
      const at = `input[${index}].arguments`
      return invalid(`Missing required parameter: '${at}'.`, 'missing_required_parameter', at)
    }
  }
  return undefined
}

/** Whether an item stands in a response that is kept. */
function isKnown({ store }: Asked, id: string): boolean {
  const kept = [...store.responses.values()].flatMap(({ response }) => response['output'] ?? [])
  return kept.some((item) => fieldsOf(item)['id'] === id)
}

function notFound(id: string): Step {
  const hint = 'Try again with `store` set to true, or remove this item from your input.'
  const message = `Item with id '${id}' not found. Items are not persisted when \`store\` is set to false. ${hint}`
  return status(404, openAi(message, 'invalid_request_error', null, 'input').body)
}

/** Each call has its output, each output its call, and a reasoning is followed by what it led to. */
function refusedPairs(items: Fields[]): Step | undefined {
  const idsOf = (type: string) =>
    items.filter((item) => item['type'] === type).map((item) => stringOf(item['call_id']))
  for (const [kind, words] of [
    ['function_call', 'function call'],
    ['custom_tool_call', 'custom tool call'],
  ] as const) {
    const [calls, outputs] = [idsOf(kind), idsOf(`${kind}_output`)]
    const open = calls.find((id) => !outputs.includes(id))
    if (open !== undefined) return invalid(`No tool output found for ${words} ${open}.`, null, 'input')
    const unasked = outputs.find((id) => !calls.includes(id))
    if (unasked !== undefined) {
      return invalid(`No tool call found for ${words} output with call_id ${unasked}.`, null, 'input')
    }
  }
  const alone = items.find(({ type }, index) => {
    const next = items[index + 1]
    return type === 'reasoning' && (next === undefined || next['role'] === 'user')
  })
  if (alone === undefined) return undefined
  const message = `Item '${stringOf(alone['id'])}' of type 'reasoning' was provided without its required following item.`
  return invalid(message)
}
