import { SluiceError } from '../../platform/failure'
import { fieldsOf } from '../fields'
import type { ChatRequest, Message } from '../request'
import { invalidField } from '../untranslatable'
import { arrayAt, objectAt, optionalFlagAt, optionalTextAt } from './checks'
import { decodeContent } from './decode-blocks'
import { decodeSettings, SETTING_FIELDS } from './decode-settings'
import { decodeTools } from './decode-tools'
import { THREAD_NOT_FOUND } from './errors'
import { extrasOf } from './own-fields'

const OTHER_FIELDS = ['model', 'messages', 'system', 'tools', 'stream']

/**
 * A Messages request in canonical form (Messages API reference, "Create a Message").
 * @throws SluiceError `invalid_request` naming the field
 */
export function decodeMessagesRequest(body: unknown): ChatRequest {
  const fields = objectAt(body, 'body')
  const messages = arrayAt(fields.messages, 'messages')
  if (messages.length === 0) {
    throw invalidField(
      'messages',
      'messages: At least one message is required.',
      'missing_required_parameter',
    )
  }
  refuseContinuation(fields.thread)
  const { settings, names } = decodeSettings(fields)
  return {
    protocol: 'anthropic',
    model: optionalTextAt(fields.model, 'model'),
    stream: optionalFlagAt(fields.stream, 'stream') ?? false,
    // Streams of this protocol always tell it.
    wantsStreamUsage: true,
    messages: [...systemPrompt(fields.system), ...messages.map(decodeMessage)],
    tools: decodeTools(fields.tools),
    settings,
    names,
    extras: extrasOf(
      { ...fields, output_config: otherConfig(fields.output_config) },
      [...OTHER_FIELDS, ...SETTING_FIELDS],
      '',
    ),
  }
}

// A thread is held by one provider; others see the new messages only. Told so, clients send the whole conversation.
function refuseContinuation(thread: unknown): void {
  if (fieldsOf(thread).type !== 'continue') return
  const param = 'thread.previous_message_id'
  const message = `${param}: This model's provider holds no such thread. Send the whole conversation instead.`
  throw new SluiceError({ kind: 'not_found', code: THREAD_NOT_FOUND, param, message })
}

// What the output's configuration has beside the effort and the format.
function otherConfig(config: unknown): Record<string, unknown> | null {
  const { effort: _, format: __, ...others } = fieldsOf(config)
  return Object.keys(others).length === 0 ? null : others
}

function systemPrompt(system: unknown): Message[] {
  if (system === undefined || system === null) return []
  return [{ role: 'system', parts: decodeContent(system, 'system'), at: 'system' }]
}

function decodeMessage(value: unknown, index: number): Message {
  const at = `messages[${index}]`
  const message = objectAt(value, at)
  const { role } = message
  if (role !== 'user' && role !== 'assistant' && role !== 'system') {
    throw invalidField(`${at}.role`, `${at}.role: Expected "user", "assistant" or "system".`)
  }
  const extras = extrasOf(message, ['role', 'content'], at)
  // Blocks are named `messages[2].content[0]`, a text `messages[2].content`.
  const parts = decodeContent(message.content, `${at}.content`)
  return { role, parts, at, ...(extras === undefined ? {} : { extras }) }
}
