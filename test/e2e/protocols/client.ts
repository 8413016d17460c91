import type { ZodObject } from 'zod'
import type { WireProtocolId } from '../../../src/protocols/protocol'
import type { JsonObject, ProofFamily } from '../../fakes'

/** A tool on offer; `run` is what the application does when it is called. */
export interface TestTool {
  name: string
  description: string
  schema: ZodObject
  /** The same as `schema`, in JSON Schema. */
  parameters: JsonObject & { type: 'object' }
  run(input: unknown): string
}

/** One red pixel. */
export const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=='

/** A picture: base64 of a PNG, or a URL of one. */
export type Picture = { base64: string } | { url: string }

/** What an application asks for; each client says it in its own words. */
export interface Ask {
  /** As the gateway names it. */
  model: string
  text: string
  system?: string
  pictures?: readonly Picture[]
  /** Base64 of a document that is called report.pdf. */
  pdf?: string
  tools?: readonly TestTool[]
  toolChoice?: 'auto' | 'none' | 'required' | { name: string }
  /** Asks for reasoning of medium effort, or 2048 tokens, that can be seen. */
  reasons?: boolean
  /** The answer is to be an object of this kind. */
  schema?: ZodObject
  stop?: readonly string[]
  maxTokens?: number
}

/** What came of it, as the client's SDK shows it. */
export interface Said {
  text: string
  reasoning: string
  calls: { name: string; input: unknown }[]
  /** In the words of the SDK. */
  finish: string
  /** Tokens, with those of a cache. */
  input: number
  /** Tokens, with those of the reasoning. */
  output: number
  /** What the SDK read out of a structured answer. */
  parsed?: unknown
}

/** An SDK as an application uses it. */
export interface Client {
  ask(ask: Ask): Promise<Said>
  stream(ask: Ask): Promise<Said>
  /** Runs tools until the model has its answer, with the SDK's own helper where there is one. */
  loop(ask: Ask, mode: Mode): Promise<Said>
}

export type Mode = 'whole' | 'streamed'

/** Where an SDK sends its calls, and how. */
export interface Access {
  url: string
  key: string
  fetch: typeof fetch
}

/** One SDK, and how it speaks of endings. */
export interface ClientRow {
  name: string
  protocol: WireProtocolId
  open(access: Access): Client
  words: { stop: string; length: string; toolCalls: string }
  /** It has no place for reasoning. */
  isBlind?: boolean
  /** It asks for the picture at a URL itself and sends its bytes, unless the model is named as one of Google's. */
  downloads?: boolean
  /** Whose proofs it sends back with the next turn, where not all. */
  returns?: readonly ProofFamily[]
  /** Choices of tools that it forgets to send. */
  forgets?: readonly Ask['toolChoice'][]
}

/** The value of a text that ought to be JSON. */
export function parsed(json: string): unknown {
  return JSON.parse(json)
}

/** A tool of the ask by its name, run. */
export function runTool(ask: Ask, name: string, input: unknown): string {
  const tool = ask.tools?.find((one) => one.name === name)
  if (tool === undefined) throw new Error(`The model called ${name}, which was not on offer.`)
  return tool.run(input)
}
