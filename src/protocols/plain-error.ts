import { fieldsOf, listOf, textOf } from './fields'

const CONTEXT_LENGTH = 'context_length_exceeded'
/** Statuses of requests that are themselves at fault; with others the same words are about a rate. */
const AT_FAULT: ReadonlySet<number> = new Set([400, 413, 422])
/** How providers say that a request does not fit the model's window; only a few have a code for it. */
const TOO_LONG = [
  /(?:prompt|input) (?:is|was) too long/i,
  /maximum (?:context|prompt|model) length/i,
  /maximum allowed input length/i,
  /(?:exceed\w*|(?:greater|longer|larger) than|over)\b[^.]{0,80}\bcontext (?:window|size|length|limit)/i,
  /context (?:window|size|length|limit)\b[^.]{0,40}\b(?:exceed\w*|is only)/i,
  /exceeds? the maximum number of tokens|input token count/i,
  /too many (?:input )?tokens|exceeded model token limit/i,
  /range of input length should be/i,
  /reduce the length of (?:the|your) (?:messages|prompt|input)/i,
  /exceed_context_size|request_too_large/,
] as const

/** The code of an error: that the request is too long for the model, where its words say so, else the provider's own. */
export function codeOfError(told: {
  status: number
  message: string
  code?: string | undefined
}): string | undefined {
  const { status, message, code } = told
  const isTooLong =
    AT_FAULT.has(status) && TOO_LONG.some((words) => words.test(message) || words.test(code ?? ''))
  return isTooLong ? CONTEXT_LENGTH : code
}

/** What a body says whose error is not in its protocol's shape: a web framework's, a proxy's, a cloud's. */
export function plainMessage({
  message,
  Message,
  detail,
  errors,
  msg,
}: Record<string, unknown>): string | undefined {
  const direct = textOf(message) ?? textOf(Message) ?? textOf(detail) ?? textOf(msg)
  if (direct !== undefined) return direct
  for (const one of [...listOf(detail), ...listOf(errors), message, detail]) {
    const told = textOf(one) ?? nestedMessage(fieldsOf(one))
    if (told !== undefined) return told
  }
  return undefined
}

function nestedMessage({ message, msg, detail, error }: Record<string, unknown>): string | undefined {
  const [first] = listOf(detail)
  return textOf(message) ?? textOf(msg) ?? textOf(detail) ?? textOf(error) ?? textOf(fieldsOf(first).msg)
}
