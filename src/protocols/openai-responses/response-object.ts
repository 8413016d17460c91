import type { Usage } from '../canonical'
import type { ReplyContext } from '../codec'
import type { Settings } from '../request'
import { openAiTier } from '../service-tiers'
import { encodeFormat } from './encode-settings'
import { encodeToolChoice, encodeTools } from './encode-tools'
import { encodeResponsesUsage } from './usage'

/** What an upstream tells of its answer as a whole. */
export interface ReplyHead {
  id?: string | undefined
  model?: string | undefined
  createdAtSeconds?: number | undefined
  serviceTier?: string | undefined
}

/** A response without its output: who answers, and what was asked, which clients read back from it. */
export function responseEnvelope(head: ReplyHead, context: ReplyContext): Record<string, unknown> {
  const { request, replyId, nowSeconds } = context
  const { settings, tools } = request
  const { toolChoice } = settings
  const [first] = request.messages
  const [part] = first?.at === 'instructions' ? first.parts : []
  const isNative = head.id?.startsWith('resp_') === true
  return {
    id: isNative ? head.id : `resp_${replyId}`,
    object: 'response',
    created_at: head.createdAtSeconds ?? nowSeconds,
    background: false,
    error: null,
    instructions: part?.kind === 'text' ? part.text : null,
    max_output_tokens: settings.maxOutputTokens ?? null,
    model: head.model ?? context.model,
    parallel_tool_calls: settings.parallelToolCalls ?? true,
    previous_response_id: request.previousResponseId ?? null,
    prompt_cache_key: settings.promptCacheKey ?? null,
    reasoning: { effort: settings.reasoning?.effort ?? null, summary: settings.reasoning?.shown ?? null },
    safety_identifier: null,
    service_tier: openAiTier(head.serviceTier ?? settings.serviceTier ?? 'default'),
    // Nothing is kept of an answer that comes from another protocol.
    store: isNative && (settings.store ?? true),
    temperature: settings.temperature ?? null,
    text: textOf(settings),
    tool_choice: toolChoice === undefined ? 'auto' : encodeToolChoice(toolChoice, tools),
    tools: encodeTools(request, []),
    top_logprobs: settings.topLogprobs ?? 0,
    top_p: settings.topP ?? null,
    truncation: 'disabled',
    user: null,
    metadata: settings.metadata ?? {},
    ...(settings.endUserId === undefined
      ? {}
      : { [request.names.endUserId ?? 'safety_identifier']: settings.endUserId }),
  }
}

/** How far the answer is. */
export function responseState(state: {
  /** Undefined while it is written. */
  isEnded: boolean
  incompleteReason: string | undefined
  output: readonly unknown[]
  usage: Usage | undefined
}): Record<string, unknown> {
  const { isEnded, incompleteReason, output, usage } = state
  const ended = incompleteReason === undefined ? 'completed' : 'incomplete'
  return {
    status: isEnded ? ended : 'in_progress',
    incomplete_details: incompleteReason === undefined ? null : { reason: incompleteReason },
    output,
    usage: usage === undefined ? null : encodeResponsesUsage(usage),
  }
}

function textOf({ responseFormat, verbosity }: Settings): Record<string, unknown> {
  return { format: encodeFormat(responseFormat ?? { kind: 'text' }), verbosity: verbosity ?? 'medium' }
}
