import type { JsonObject } from './chat-request'

/** How events are written down; everything here is allowed by the SSE standard. */
export interface SseStyle {
  newline?: '\n' | '\r\n' | '\r'
  /** A byte order mark before the first event. */
  bom?: boolean
  /** A comment before each event; true sends OpenRouter's. */
  comments?: boolean | string
  /** false: the stream ends after the newline of its last line. */
  finalBlankLine?: boolean
}

/**
 * One event in text: an object is the JSON of a data line, a text is written as it is (`event: x\ndata:
 * y`).
 */
export function frameOf(event: JsonObject | string, style: SseStyle): string {
  const newline = style.newline ?? '\n'
  const lines = typeof event === 'string' ? event.split('\n') : [`data: ${JSON.stringify(event)}`]
  return lines.map((line) => line + newline).join('') + newline
}

/** The text that stands before event number `index`. */
export function beforeEvent(index: number, style: SseStyle): string {
  const newline = style.newline ?? '\n'
  const comment = style.comments === true ? 'OPENROUTER PROCESSING' : style.comments
  const mark = index === 0 && style.bom === true ? '\uFEFF' : ''
  return mark + (comment ? `: ${comment}${newline}${newline}` : '')
}

/** The last frame of a stream, without its blank line where the style says so. */
export function withoutBlankLine(frame: string, style: SseStyle): string {
  return style.finalBlankLine === false ? frame.slice(0, -(style.newline ?? '\n').length) : frame
}
