import type { Part } from '../protocols/parts'
import type { ChatRequest, Extras, Message, Settings, Tool } from '../protocols/request'

/**
 * The settings that do not change an answer: who asks, what the provider keeps and for how long, and how urgent it is.
 */
const IRRELEVANT: ReadonlySet<keyof Settings> = new Set([
  ...(['endUserId', 'metadata', 'store', 'serviceTier'] as const),
  ...(['promptCacheKey', 'promptCacheRetention'] as const),
])

/**
 * What two requests have in common when one's answer is the other's, in no protocol's words. Left out are the model,
 * which the scope decides, whether it is a stream, marks of provider-side prompt caching, and where things stood.
 * `unread` are fields that the canonical request does not hold.
 */
export function chatQuestion(request: ChatRequest, unread?: Readonly<Record<string, unknown>>) {
  const { protocol, messages, tools, settings, previousResponseId, extras } = request
  return {
    messages: messages.map(messageOf),
    tools: tools.map(toolOf),
    settings: Object.fromEntries(Object.entries(settings).filter(([name]) => !isIrrelevant(name))),
    previousResponseId,
    extras: extrasOf(extras),
    unread: unread === undefined ? undefined : { protocol, fields: unread },
  }
}

/** Fields of a body beside chat that do not change its answer. */
const IRRELEVANT_FIELDS: ReadonlySet<string> = new Set([
  'model',
  'user',
  'safety_identifier',
  'metadata',
  'store',
])

/** The same of a body that has no canonical form: all of it, but for who asks. */
export function bodyQuestion(body: Readonly<Record<string, unknown>>) {
  return Object.fromEntries(Object.entries(body).filter(([name]) => !IRRELEVANT_FIELDS.has(name)))
}

function isIrrelevant(name: string): boolean {
  return [...IRRELEVANT].some((setting) => setting === name)
}

function messageOf({ role, name, parts, extras }: Message) {
  return { role, name, parts: parts.map(partOf), extras: extrasOf(extras) }
}

function partOf(part: Part): Record<string, unknown> {
  const { at: _at, cache: _cache, extras, ...rest } = part
  const own = { ...rest, extras: extrasOf(extras) }
  if (part.kind === 'tool_result') return { ...own, parts: part.parts.map(partOf) }
  if (part.kind === 'tool_call' && part.isCustom !== true)
    return { ...own, argumentsJson: undefined, arguments: argumentsOf(part.argumentsJson) }
  return own
}

function toolOf(tool: Tool): Record<string, unknown> {
  const { at: _, ...rest } = tool
  if (rest.kind !== 'function') return rest
  const { cache: _cache, extras, ...own } = rest
  return { ...own, extras: extrasOf(extras) }
}

// The same fields in another protocol's words might mean something else.
function extrasOf(extras: Extras | undefined) {
  if (extras === undefined || Object.keys(extras.fields).length === 0) return undefined
  return { protocol: extras.protocol, fields: extras.fields }
}

/** A number of so many digits may lose some of them when it is parsed. */
const LONG_NUMBER = /\d{16}/

// Some protocols have the arguments as a value, others as its text.
function argumentsOf(json: string): unknown {
  if (LONG_NUMBER.test(json)) return { json }
  try {
    return { value: JSON.parse(json) }
  } catch {
    return { json }
  }
}
