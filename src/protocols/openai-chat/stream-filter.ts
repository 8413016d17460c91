import { concat } from '../../platform/json-edit'
import type { StreamFilter } from '../protocol'
import { fieldsOf } from './usage'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const LINE_FEED = 0x0a
const RETURN = 0x0d
const USAGE_CHUNK = /"usage"\s*:\s*\{/
/** With `include_usage` the provider adds this to every other chunk (OpenAI API reference, "stream_options"). */
const NULL_USAGE = /,\s*"usage"\s*:\s*null(?=\s*[,}])/g

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
  if (text?.includes('"usage"') !== true) return bytes.slice()
  const events = text.split(/(?<=\r\n\r\n|\n\n|\r\r)/)
  const wanted = USAGE_CHUNK.test(text) ? events.filter((event) => !isUsageChunk(event)) : events
  return encoder.encode(wanted.join('').replace(NULL_USAGE, ''))
}

function isUsageChunk(event: string): boolean {
  if (!USAGE_CHUNK.test(event)) return false
  const data = event.match(/^\uFEFF?data: ?(.*)$/m)?.[1] ?? ''
  try {
    const chunk = fieldsOf(JSON.parse(data))
    return Array.isArray(chunk.choices) && chunk.choices.length === 0
  } catch {
    return false
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
