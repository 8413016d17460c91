import { answersTo } from './answer'
import type { Asked, Dialect, Told } from './dialect'
import type { ErrorContext } from './provider-errors'
import type { ReplyOptions, StreamOptions } from './steps'
import { type UsageOverride, usageOf } from './usage'

/** What the options mean as an answer to the call. */
export function tell({ call, store }: Asked, dialect: Dialect, options: ReplyOptions | StreamOptions): Told {
  const request = dialect.readRequest(call)
  const answers = answersTo(request, options, call.id, dialect.callPrefix)
  const usage = options.usage === null ? null : usageOf(request, answers, overrideOf(options))
  return { callId: call.id, request, answers, usage, extraFields: options.extraFields, call, store }
}

/** What the text of an error to this call may mention. */
export function errorContext({ call }: Pick<Asked, 'call'>): ErrorContext {
  const { authorization, 'x-api-key': apiKey, 'x-goog-api-key': googleKey } = call.headers
  const key = authorization ?? apiKey ?? googleKey ?? call.query.get('key') ?? ''
  return { callId: call.id, model: call.model, authorization: key, path: call.path }
}

function overrideOf(options: ReplyOptions | StreamOptions): UsageOverride | undefined {
  if (typeof options.usage === 'object' && options.usage !== null) return options.usage
  return 'tokens' in options ? options.tokens : undefined
}
