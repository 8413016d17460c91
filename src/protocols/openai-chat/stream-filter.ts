import { concat, editObject } from '../../platform/json-edit'
import { type Member, scanObject } from '../../platform/json-scan'
import type { StreamFilter } from '../protocol'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const LINE_FEED = 0x0a
const RETURN = 0x0d
const USAGE = '"usage"'
/** With `include_usage` the provider adds this to every other chunk (OpenAI API reference, "stream_options"). */
const LAST_NULL_USAGE = /,\s*"usage"\s*:\s*null\s*\}(?=[\r\n]*$)/
/** The same as nearly everybody writes it: looked for as a text, which is quicker than any pattern. */
const COMPACT_NULL_USAGE = ',"usage":null}\n\n'
const DATA_LINE = /^(\uFEFF?data: ?)([^\r\n]*)/m
/** Behind two line ends of any kind. */
const EVENT_END = /(?<=(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?!\n)))/

/** Removes what `include_usage` added to a stream, for a client that did not ask: the stream is as it would have been. */
export function chatStreamFilter(): StreamFilter {
  let kept: Uint8Array = new Uint8Array(0)
  return {
    change(bytes) {
      const all = kept.length === 0 ? bytes : concat([kept, bytes])
      const end = endOfLastEvent(all)
      // `bytes` is a view on a buffer that is used again, so what is kept must be a copy.
      kept = all.slice(end)
      return withoutUsage(all.subarray(0, end))
    },
    rest() {
      const last = withoutUsage(kept)
      kept = new Uint8Array(0)
      return last
    },
  }
}

/** After the last blank line, whatever its line ends; a return at the very end may still be half of a pair. */
function endOfLastEvent(bytes: Uint8Array): number {
  for (let at = bytes.length - 1; at > 0; at--) {
    const [before, byte] = [bytes[at - 1], bytes[at]]
    if (byte === LINE_FEED && before === LINE_FEED) return at + 1
    if (byte === LINE_FEED && before === RETURN && isLineEnd(bytes[at - 2])) return at + 1
    if (byte === RETURN && before === RETURN && at < bytes.length - 1) return at + 1
  }
  return 0
}

function isLineEnd(byte: number | undefined): boolean {
  return byte === LINE_FEED || byte === RETURN
}

function withoutUsage(bytes: Uint8Array): Uint8Array {
  const text = textOf(bytes)
  if (text?.includes(USAGE) !== true) return bytes.slice()
  const plain = text.replaceAll(COMPACT_NULL_USAGE, '}\n\n')
  if (!plain.includes(USAGE)) return encoder.encode(plain)
  const told = plain.includes('\r')
    ? plain.split(EVENT_END).map(withoutUsageInEvent).join('')
    : withoutUsageInEvents(plain)
  return encoder.encode(told)
}

/** Only the events that tell a usage are looked at; all line ends are line feeds. */
function withoutUsageInEvents(text: string): string {
  let told = ''
  let done = 0
  for (let at = text.indexOf(USAGE); at !== -1; at = text.indexOf(USAGE, done)) {
    const before = text.lastIndexOf('\n\n', at)
    const behind = text.indexOf('\n\n', at)
    const start = before === -1 ? 0 : before + 2
    const end = behind === -1 ? text.length : behind + 2
    told += text.slice(done, start) + withoutUsageInEvent(text.slice(start, end))
    done = end
  }
  return told + text.slice(done)
}

function withoutUsageInEvent(event: string): string {
  if (!event.includes(USAGE)) return event
  // Where the provider puts it nearly always: last in the object, at the end of the event.
  const plain = event.replace(LAST_NULL_USAGE, '}')
  return plain.includes(USAGE) ? withoutOwnUsage(event) : plain
}

function withoutOwnUsage(event: string): string {
  const [line = '', field = '', data = ''] = event.match(DATA_LINE) ?? []
  const bytes = encoder.encode(data)
  const members = membersOf(bytes)
  const kindOf = (name: string) => members?.find(({ key }) => key === name)?.kind
  if (members === undefined || kindOf('usage') === undefined) return event
  if (kindOf('usage') === 'null') {
    const edited = editObject(bytes, members, { remove: new Set(['usage']) })
    return event.replace(line, () => field + decoder.decode(edited))
  }
  const choices = members.find(({ key }) => key === 'choices')
  const isEmpty = choices !== undefined && /^\[\s*\]$/.test(textAt(bytes, choices))
  return isEmpty ? '' : event
}

function textAt(bytes: Uint8Array, member: Member): string {
  return decoder.decode(bytes.subarray(member.valueStart, member.valueEnd))
}

function membersOf(bytes: Uint8Array): Member[] | undefined {
  try {
    return scanObject(bytes)
  } catch {
    return undefined
  }
}

// Bytes that are not UTF-8 are none of this filter's business: they pass as they are.
function textOf(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}
