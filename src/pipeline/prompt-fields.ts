import { valueOf } from '../platform/json-scan'
import { type Conversation, isSameField } from '../protocols/conversation'
import { isObject } from '../protocols/fields'
import type { Protocol } from '../protocols/protocol'
import type { Intake } from './intake'
import { type FieldEdits, fieldOf, type Insertion } from './prompt-insertion'
import { ROUTING_NAMES } from './prompt-routing'
import { settingsIn } from './prompt-words'

interface MergedFields {
  set: FieldEdits
  remove: readonly string[]
  /** Settings of the prompt that the client's protocol has no words for. */
  losses: readonly string[]
}

/** The settings of a prompt among those of a request: a conflict is won by the way in which the prompt was called. */
export function mergedFields(
  intake: Intake,
  given: { protocol: Protocol; conversation: Conversation; insertion: Insertion },
): MergedFields {
  const { protocol, conversation, insertion } = given
  const { call, parameters } = insertion
  const own = settingsIn(protocol, parameters)
  const { known, other } = forcedParameters(call.forced)
  const forced = settingsIn(protocol, known)
  const requestWins = call.mode === 'request' || call.mode === 'defaults'
  const values = new Map<string, unknown>()
  const remove: string[] = []
  const put = (name: string, value: unknown, wins: boolean) => {
    const member = fieldOf(intake, (key) => isSameField(key, name))
    const key = member?.key ?? name
    const rivals = rivalsOf(name, conversation).filter(
      (rival) => values.has(rival) || fieldOf(intake, (present) => present === rival) !== undefined,
    )
    const before = values.get(key) ?? (member === undefined ? undefined : valueOf(intake.bytes, member))
    if (conversation.nested.includes(name) && isObject(before) && isObject(value))
      values.set(key, wins ? layered(before, value) : layered(value, before))
    else if (wins || (before === undefined && rivals.length === 0)) {
      values.set(key, value)
      for (const rival of rivals) values.delete(rival)
      remove.push(...rivals)
    }
  }
  for (const [name, value] of Object.entries(own.fields)) put(name, value, !requestWins)
  for (const [name, value] of Object.entries({ ...forced.fields, ...other })) put(name, value, true)
  return {
    set: new Map([...values].map(([name, value]) => [name, JSON.stringify(value)])),
    remove: remove.filter((name) => !values.has(name)),
    losses: [...own.losses, ...forced.losses],
  }
}

/** Parameters by the names of chat completions; others are the client's protocol's own and stay as they are. */
const KNOWN: ReadonlySet<string> = new Set([
  ...['temperature', 'top_p', 'max_tokens', 'max_completion_tokens', 'frequency_penalty', 'presence_penalty'],
  ...['seed', 'stop', 'n', 'logprobs', 'top_logprobs', 'logit_bias', 'tools', 'tool_choice'],
  ...['parallel_tool_calls', 'response_format', 'reasoning_effort', 'thinking', 'verbosity'],
])

function forcedParameters(forced: Readonly<Record<string, unknown>> = {}) {
  const rest = Object.entries(forced).filter(
    ([name]) => name !== 'messages' && name !== 'stream' && !ROUTING_NAMES.has(name),
  )
  return {
    known: Object.fromEntries(rest.filter(([name]) => KNOWN.has(name))),
    other: Object.fromEntries(rest.filter(([name]) => !KNOWN.has(name))),
  }
}

function rivalsOf(name: string, { aliases }: Conversation): string[] {
  return aliases.find((names) => names.includes(name))?.filter((other) => other !== name) ?? []
}

// A field of the weaker object is dropped when the stronger has it in either spelling.
function layered(weaker: Record<string, unknown>, stronger: Record<string, unknown>) {
  const kept = Object.entries(weaker).filter(
    ([name]) => !Object.keys(stronger).some((other) => isSameField(other, name)),
  )
  return { ...Object.fromEntries(kept), ...stronger }
}
