import type { LogPrompt } from '../logs/log-record'
import type { Config } from '../platform/config'
import { SluiceError } from '../platform/failure'
import type { PromptCall, WantedVersion } from '../prompts/prompt-call'
import { type FoundVersion, renderPrompt } from '../prompts/render-prompt'
import { sentParameters } from '../prompts/sent-parameters'
import { type Served, servedVersion } from '../prompts/served-version'
import { customerOf } from './gateway-parameters'
import type { Intake } from './intake'
import { type Isolate, MISS_AGE_MS } from './isolate'
import { mergedIntake } from './prompt-merge'
import type { Exchange } from './stages'

/** The prompt that a request was made from. */
export interface UsedPrompt extends LogPrompt {
  /** The answer tells the messages. */
  echoes: boolean
  /** The messages that are sent, as JSON in the client's protocol. */
  messagesJson(): string | undefined
}

/** A request with its prompt filled in. */
export interface Prompted {
  intake: Intake
  prompt: UsedPrompt
}

/** A request that calls a prompt. */
interface Calling {
  intake: Intake
  call: PromptCall
  /** Told as soon as the prompt is found, so that the log can name one that could not be filled in. */
  onFound(prompt: UsedPrompt): void
}

/** A version that is not in memory; what is deployed or labelled always is. */
class NotHeld extends Error {
  constructor(
    readonly promptId: string,
    readonly version: number | 'latest',
  ) {
    super('The version is not in memory.')
  }
}

/** A prompt and at most two in it are looked up, and a name that is not known is looked up once more. */
const MAX_LOOKS = 6

/**
 * Fills the stored prompt that a request calls into the request; the request is then like any other. It answers at once
 * when all that is needed is in memory.
 * @throws SluiceError `not_found` or `invalid_request`
 */
export function withPrompt(
  exchange: Exchange,
  isolate: Isolate,
  given: Calling,
): Prompted | Promise<Prompted> {
  const config = isolate.config.get(exchange.background)
  if (config instanceof Promise) return config.then((loaded) => filledIn(exchange, isolate, given, loaded))
  try {
    return attempted(exchange, isolate, given, config)
  } catch (cause) {
    if (cause instanceof NotHeld || isMiss(cause)) return filledIn(exchange, isolate, given, config)
    throw cause
  }
}

async function filledIn(
  exchange: Exchange,
  isolate: Isolate,
  given: Calling,
  first: Config,
): Promise<Prompted> {
  let config = first
  for (let looks = 0; ; looks++) {
    try {
      return attempted(exchange, isolate, given, config)
    } catch (cause) {
      if (looks === MAX_LOOKS) throw cause
      if (cause instanceof NotHeld) {
        const { promptId, version } = cause
        const row = await isolate.promptVersions.load(promptId, version)
        if (row === undefined) throw noVersion(given.call.name, `has no version ${version}`)
        continue
      }
      if (!isMiss(cause)) throw cause
      const newer = await isolate.config.refreshed(exchange.background, MISS_AGE_MS)
      if (newer === config) throw cause
      config = newer
    }
  }
}

function isMiss(cause: unknown): boolean {
  return cause instanceof SluiceError && cause.failure.kind === 'not_found'
}

function attempted(
  exchange: Exchange,
  isolate: Isolate,
  { intake, call, onFound }: Calling,
  config: Config,
): Prompted {
  if (call.isCustom) return { intake, prompt: customPrompt(call) }
  const { effects } = exchange
  const subject = {
    customer: customerOf(intake.parameters),
    thread: intake.parameters.thread_identifier ?? undefined,
    roll: effects.roll,
  }
  const find = (name: string, wanted: WantedVersion, param: string): Found => {
    const stored = config.prompts.byName.get(name)
    if (stored === undefined) throw notFound(param, 'prompt_not_found', `There is no prompt '${name}'`)
    const served = servedVersion(stored, wanted, subject)
    if (served === undefined) throw noVersion(name, problemWith(wanted))
    const { version } = served
    const { promptId, name: promptName } = stored.row
    const row =
      (version === 'latest' ? undefined : stored.versions.get(version)) ??
      isolate.promptVersions.held(promptId, version)
    if (row === undefined) throw new NotHeld(promptId, version)
    return { row, promptName, served }
  }
  const found = find(call.name, call.wanted, 'prompt_id')
  const { row, promptName, served } = found
  const { label } = served
  const named = {
    ...{ id: row.promptId, name: promptName, version: row.version },
    ...(label === undefined ? {} : { label }),
  }
  onFound({ ...named, variables: { ...call.variables }, echoes: false, messagesJson: () => undefined })
  const { messages, variables } = renderPrompt(found, call.variables, (child, variable) => {
    const { version } = child
    const wanted: WantedVersion =
      version === undefined
        ? { kind: 'live' }
        : version === 'latest'
          ? { kind: 'latest' }
          : { kind: 'version', version }
    return find(child.name, wanted, `variables.${variable}`)
  })
  const { content } = row
  const insertion = { call, content, messages, parameters: sentParameters(content) }
  const merged = mergedIntake(intake, exchange, insertion)
  return {
    intake: merged.intake,
    prompt: { ...named, variables, echoes: call.echoes, messagesJson: merged.messagesJson },
  }
}

interface Found extends FoundVersion {
  served: Served
}

// A prompt that is kept elsewhere: the request has its own messages, and the log its name.
function customPrompt({ name, wanted, variables }: PromptCall): UsedPrompt {
  return {
    ...{ id: name, name, version: wanted.kind === 'version' ? wanted.version : 0 },
    ...{ variables: { ...variables }, echoes: false, messagesJson: () => undefined },
  }
}

function problemWith(wanted: WantedVersion): string {
  if (wanted.kind === 'label' && wanted.isOptional !== true) return `has no label '${wanted.label}'`
  return 'has no deployed version: deploy one, or ask for a version by its number'
}

function noVersion(name: string, problem: string): SluiceError {
  return notFound('prompt', 'prompt_version_not_found', `The prompt '${name}' ${problem}`)
}

function notFound(param: string, code: string, message: string): SluiceError {
  return new SluiceError({ kind: 'not_found', param, code, message: `${message}.` })
}
