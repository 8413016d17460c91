import type { EncodedRequest, EncodeTarget } from '../codec'
import type { ChatRequest } from '../request'
import { withLegalNames } from '../tool-names'
import { lostExtras, untranslatable } from '../untranslatable'
import { startWriting, type Writing } from './blocks'
import { familyOf } from './families'
import { TOOL_NAMES } from './names'
import { encodeOutputConfig, encodeSampling, encodeService, lostToConverse, withoutGaps } from './settings'
import { encodeThinking, limitWith, type Thinking } from './thinking'
import { encodeTools } from './tools'
import { encodeMessages, type Turn } from './turns'

/** A request in the words of Converse; the model and whether it streams are in the path. */
export function encodeConverseRequest(given: ChatRequest, target: EncodeTarget): EncodedRequest {
  const { request, renamed } = withLegalNames(given, TOOL_NAMES)
  if (request.previousResponseId !== undefined) {
    throw untranslatable('previous_response_id', 'this target keeps no answers: send the whole conversation')
  }
  const writing = startWriting(request.protocol)
  writing.losses.push(...lostExtras(request.extras, 'bedrock-converse'), ...lostToConverse(request))
  const { system, turns } = encodeMessages(request.messages, writing)
  system.push(...askForJson(request, writing))
  const { toolConfig, isForced, standIns } = encodeTools(request, target, writing, turns)
  const isStandInForced = standIns.structuredOutput !== undefined
  const thinking = decideThinking(request, target, writing, { turns, isStandInForced })
  if (thinking?.isClaude === true && isForced && toolConfig !== undefined) {
    toolConfig.toolChoice = { auto: {} }
    writing.losses.push(request.names.toolChoice ?? 'tool_choice')
  }
  const { inferenceConfig, fields } = encodeSampling(request, target, thinking, writing)
  const { maxOutputTokens } = request.settings
  const maxTokens = thinking === undefined ? maxOutputTokens : limitWith(thinking, maxOutputTokens, target)
  const body = withoutGaps({
    messages: turns,
    system: filled(system),
    inferenceConfig: filled(withoutGaps({ maxTokens, ...inferenceConfig })),
    toolConfig,
    additionalModelRequestFields: filled({ ...fields, ...thinking?.fields }),
    additionalModelResponseFieldPaths: stopPaths(request, target, inferenceConfig),
    ...encodeOutputConfig(request, target),
    ...encodeService(request, writing),
  })
  return {
    body,
    losses: [...new Set(writing.losses)],
    standIns: renamed === undefined ? standIns : { ...standIns, renamed },
  }
}

// A model that thinks cannot be forced to call the tool that stands in for the answer's form: the form goes first.
function decideThinking(
  request: ChatRequest,
  target: EncodeTarget,
  { losses }: Writing,
  { turns, isStandInForced }: { turns: readonly Turn[]; isStandInForced: boolean },
): Thinking | undefined {
  const { reasoning, maxOutputTokens } = request.settings
  const outcome = encodeThinking(reasoning, maxOutputTokens, target, turns)
  if (outcome === undefined) return undefined
  if (outcome !== 'lost' && !(outcome.isClaude && isStandInForced)) return outcome
  losses.push(request.names.reasoning ?? 'reasoning')
  return undefined
}

function askForJson({ settings, names }: ChatRequest, { losses }: Writing) {
  if (settings.responseFormat?.kind !== 'json') return []
  losses.push(names.responseFormat ?? 'response_format')
  return [{ text: 'Answer with one JSON object and nothing else: no code fence, no words around it.' }]
}

// Which sequence stopped it is told only on demand, and only by this family; a stream tells it in another place.
function stopPaths({ stream }: ChatRequest, { model }: EncodeTarget, config: Record<string, unknown>) {
  if (config.stopSequences === undefined || familyOf(model) !== 'claude') return undefined
  return [stream ? '/delta/stop_sequence' : '/stop_sequence']
}

function filled<Value extends object>(value: Value): Value | undefined {
  return Object.keys(value).length === 0 ? undefined : value
}
