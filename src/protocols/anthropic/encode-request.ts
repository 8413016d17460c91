import type { EncodedRequest, EncodeTarget } from '../codec'
import { fieldsOf } from '../fields'
import type { ChatRequest } from '../request'
import { withLegalNames } from '../tool-names'
import { untranslatable } from '../untranslatable'
import { canThink, encodeMessages, type Turn } from './encode-messages'
import { encodeSampling } from './encode-settings'
import { encodeToolChoice, encodeTools } from './encode-tools'
import { DEFAULT_MAX_TOKENS } from './estimate'
import { encodeFormat } from './output-format'
import { type Block, ownExtras } from './own-fields'
import { planThinking } from './thinking'

/** What the provider takes as the name of a tool. */
const TOOL_NAMES = { illegal: /[^a-zA-Z0-9_-]/, maxLength: 128 }

/**
 * A request in the words of the Messages API.
 * @throws SluiceError `untranslatable` for content or tools that it has no words for
 */
export function encodeMessagesRequest(given: ChatRequest, target: EncodeTarget): EncodedRequest {
  const { request, renamed } = withLegalNames(given, TOOL_NAMES)
  const { settings, names, previousResponseId } = request
  const { model, traits } = target
  if (previousResponseId !== undefined) throw notStored()
  const losses: string[] = []
  const { system, turns } = encodeMessages(request, losses)
  const { tools, customTools } = encodeTools(request, traits, losses)
  const format = encodeFormat(request, traits, { hasTools: tools.length > 0 }, losses)
  const limit = settings.maxOutputTokens ?? traits.maxOutputTokens ?? DEFAULT_MAX_TOKENS
  const plan = planThinking(request, traits, {
    maxTokens: limit,
    canThink: canThink(turns),
    mustCall: format.tool !== undefined,
  })
  if (plan.isLost) losses.push(names.reasoning ?? 'reasoning')
  const allTools = format.tool === undefined ? tools : [...tools, format.tool]
  const choice =
    format.choice ?? encodeToolChoice(request, { hasTools: tools.length > 0, isThinking: plan.isOn }, losses)
  const { output_config: otherConfig, ...extras } = ownExtras(request.extras, losses)
  const config = {
    ...fieldsOf(otherConfig),
    ...(plan.effort === undefined ? {} : { effort: plan.effort }),
    ...(format.format === undefined ? {} : { format: format.format }),
  }
  const instructions = [...system, ...format.instructions]
  return {
    body: {
      model,
      max_tokens: plan.maxTokens,
      ...(request.stream ? { stream: true } : {}),
      ...(instructions.length === 0 ? {} : { system: instructions }),
      messages: turns.map(encodeTurn),
      ...(allTools.length === 0 ? {} : { tools: allTools }),
      ...(choice === undefined ? {} : { tool_choice: choice }),
      ...(plan.thinking === undefined ? {} : { thinking: plan.thinking }),
      ...(Object.keys(config).length === 0 ? {} : { output_config: config }),
      ...encodeSampling(request, traits, plan.isOn, losses),
      ...extras,
    },
    losses: [...new Set(losses)],
    standIns: {
      ...(format.tool === undefined ? {} : { structuredOutput: String(format.tool.name) }),
      ...(customTools.length === 0 ? {} : { customTools }),
      ...(renamed === undefined ? {} : { renamed }),
    },
  }
}

function encodeTurn({ role, content, extras }: Turn): Block {
  return { role, content, ...extras }
}

function notStored() {
  return untranslatable(
    'previous_response_id',
    'previous_response_id: The target stores no answers. Send the conversation itself instead.',
  )
}
