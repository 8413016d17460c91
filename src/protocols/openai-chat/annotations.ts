import { fieldsOf, listOf, numberOf, textOf } from '../fields'
import type { Citation } from '../parts'

/** The citations among a message's `annotations`. */
export function decodeAnnotations(value: unknown): Citation[] {
  return listOf(value).flatMap((annotation) => {
    const { type, url_citation } = fieldsOf(annotation)
    if (type !== 'url_citation') return []
    const { url, title, content, start_index, end_index } = fieldsOf(url_citation)
    return [
      {
        url: textOf(url),
        title: textOf(title),
        citedText: textOf(content),
        startIndex: numberOf(start_index),
        endIndex: numberOf(end_index),
        native: { protocol: 'openai-chat', value: annotation } as const,
      },
    ]
  })
}

/** A citation as an annotation; one without an address has no place there. */
export function encodeAnnotation(citation: Citation): Record<string, unknown>[] {
  const { native, url, title = '', citedText, startIndex = 0, endIndex = 0 } = citation
  if (native?.protocol === 'openai-chat') return [fieldsOf(native.value)]
  if (url === undefined) return []
  return [
    {
      type: 'url_citation',
      url_citation: {
        url,
        title,
        start_index: startIndex,
        end_index: endIndex,
        ...(citedText === undefined ? {} : { content: citedText }),
      },
    },
  ]
}
