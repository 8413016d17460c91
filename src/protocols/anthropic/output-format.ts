import type { ModelTraits } from '../codec'
import type { ChatRequest } from '../request'
import type { Block } from './own-fields'
import { structuredSchema } from './structured-schema'

/** How the form of the answer is asked for. */
export interface FormatPlan {
  format?: Block
  /** Stands in for the format where the model has none. */
  tool?: Block
  choice?: Block
  /** What is asked for in words. */
  instructions: Block[]
}

const STAND_IN = 'structured_output'
const JSON_ONLY = 'Answer with one JSON object and nothing else: no other text, and no code fence around it.'

/** The form of the answer: natively, by a tool that stands in for it, or in words. */
export function encodeFormat(
  { settings, names, protocol }: ChatRequest,
  traits: ModelTraits,
  given: { hasTools: boolean },
  losses: string[],
): FormatPlan {
  const { responseFormat, toolChoice } = settings
  const name = names.responseFormat ?? 'responseFormat'
  if (responseFormat?.kind === 'json') {
    losses.push(name)
    return { instructions: [{ type: 'text', text: JSON_ONLY }] }
  }
  if (responseFormat?.kind !== 'json_schema') return { instructions: [] }
  const { schema, description } = responseFormat
  if (traits.hasStructuredOutput !== false) {
    if (protocol === 'anthropic') return { format: { type: 'json_schema', schema }, instructions: [] }
    const plain = structuredSchema(schema)
    losses.push(...plain.changes.map((path) => name + path))
    return { format: { type: 'json_schema', schema: plain.schema }, instructions: [] }
  }
  const tool = {
    name: STAND_IN,
    description: description ?? 'Gives the answer. Call it once, with the whole answer.',
    input_schema: { type: 'object', ...schema },
  }
  // A tool that the client itself forces goes first; its other tools stay as free as they were.
  if (toolChoice?.kind === 'tool') return { tool, instructions: [] }
  const isFree = given.hasTools && toolChoice?.kind !== 'none'
  const single = settings.parallelToolCalls === false ? { disable_parallel_tool_use: true } : {}
  const choice = isFree ? { type: 'any', ...single } : { type: 'tool', name: STAND_IN }
  return { tool, choice, instructions: [] }
}
