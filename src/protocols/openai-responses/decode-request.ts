import type { ChatRequest, Message } from '../request'
import { untranslatable } from '../untranslatable'
import { decodeContent } from './decode-content'
import { decodeInput } from './decode-input'
import { decodeSettings } from './decode-settings'
import { decodeTools } from './decode-tools'
import { type FieldReader, missing, readerOf } from './read-fields'

/** What must be looked up at the provider that stores it: another one would answer something else. */
const STORED: Readonly<Record<string, string>> = {
  prompt: 'a prompt that is stored at another provider',
  conversation: 'a conversation that is stored at another provider',
}
/** Fields that say nothing when they have these values. */
const DEFAULTS: Readonly<Record<string, string>> = {
  truncation: '"disabled"',
  background: 'false',
  stream_options: '{"include_obfuscation":false}',
}

/** A request for a response in canonical form. */
export function decodeResponsesRequest(body: unknown): ChatRequest {
  const fields = readerOf(body, '')
  for (const [name, what] of Object.entries(STORED)) {
    if (fields.value(name) === undefined) continue
    throw untranslatable(name, `'${name}' is ${what}. Send its content instead, or choose a model there.`)
  }
  const { settings, names, extras } = decodeSettings(fields)
  const previousResponseId = fields.text('previous_response_id')
  const model = fields.text('model')
  const stream = fields.boolean('stream') ?? false
  const tools = decodeTools(fields.list('tools') ?? [])
  const messages = [...instructionsOf(fields), ...decodeInput(fields.value('input'))]
  if (messages.length === 0 && previousResponseId === undefined) throw missing('input')
  const others = { ...withoutDefaults(fields.extras()?.fields ?? {}), ...extras }
  return {
    protocol: 'openai-responses',
    model,
    stream,
    wantsStreamUsage: true,
    messages,
    tools,
    settings,
    names,
    previousResponseId,
    extras:
      Object.keys(others).length === 0 ? undefined : { protocol: 'openai-responses', fields: others, at: '' },
  }
}

function instructionsOf(fields: FieldReader): Message[] {
  const instructions = fields.text('instructions')
  if (instructions === undefined || instructions === '') return []
  return [{ role: 'system', parts: decodeContent(instructions, 'instructions'), at: 'instructions' }]
}

function withoutDefaults(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).filter(([name, value]) => DEFAULTS[name] !== JSON.stringify(value)),
  )
}
