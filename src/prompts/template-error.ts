/** A template that cannot be read or rendered; the message says why, in words for whoever wrote it. */
export class TemplateError extends Error {}

/** A template prints or uses a variable that has no value. */
export class MissingVariable extends TemplateError {
  constructor(readonly variable: string) {
    super(`the variable '${variable}' has no value`)
  }
}

/** The words of anything that went wrong inside the engine. */
export function templateError(cause: unknown): TemplateError {
  if (cause instanceof TemplateError) return cause
  // Deep nesting ends the engine's stack, and an early end is met as an absent token.
  if (cause instanceof RangeError) return new TemplateError('it is nested too deeply', { cause })
  if (cause instanceof TypeError) return new TemplateError('it ends too early or has a stray word', { cause })
  const words = cause instanceof Error ? cause.message : String(cause)
  return new TemplateError(words.slice(0, 300), { cause })
}
