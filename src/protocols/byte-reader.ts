import type { StreamReader } from './protocol'

/** For an answer that is a file: its first byte is content, and the connection's own end is the only marker it has. */
export function byteReader(): StreamReader {
  let hasContent = false
  return {
    feed(bytes) {
      if (bytes.byteLength > 0) hasContent = true
    },
    end() {},
    get hasContent() {
      return hasContent
    },
    get isComplete() {
      return hasContent
    },
    error: undefined,
    facts: {},
  }
}
