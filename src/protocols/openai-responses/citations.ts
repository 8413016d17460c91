import { fieldsOf, numberOf, textOf } from '../fields'
import type { Citation } from '../parts'

/** An annotation of a text: of a page on the web, or of a file. */
export function decodeAnnotation(value: unknown): Citation {
  const { url, title, filename, start_index, end_index } = fieldsOf(value)
  return {
    url: textOf(url),
    title: textOf(title) ?? textOf(filename),
    startIndex: numberOf(start_index),
    endIndex: numberOf(end_index),
    native: { protocol: 'openai-responses', value },
  }
}

/**
 * A citation as an annotation. What has no URL is told as a file, the only other kind there is; one without a place is
 * of the whole text.
 */
export function encodeAnnotation(citation: Citation, textLength: number): unknown {
  const { url, title, startIndex = 0, endIndex = textLength, native } = citation
  if (native?.protocol === 'openai-responses') return native.value
  if (url !== undefined) {
    return { type: 'url_citation', url, title: title ?? url, start_index: startIndex, end_index: endIndex }
  }
  return { type: 'file_citation', file_id: '', filename: title ?? 'document', index: endIndex }
}
