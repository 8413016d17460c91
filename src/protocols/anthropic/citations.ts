import { fieldsOf, isObject, listOf, textOf } from '../fields'
import type { Citation } from '../parts'
import type { Block } from './own-fields'

/** Where the statements of a text come from; undefined when nothing is cited. */
export function decodeCitations(value: unknown): Citation[] | undefined {
  const citations = listOf(value).filter(isObject).map(decodeCitation)
  return citations.length === 0 ? undefined : citations
}

/** One citation, of any of the protocol's kinds: of a page, of a search result, of a document. */
export function decodeCitation(value: unknown): Citation {
  const fields = fieldsOf(value)
  // Without its index the provider takes no web citation back: it is one that another provider told.
  const isForeign = fields.encrypted_index === ''
  return {
    url: textOf(fields.url) ?? urlOf(fields.source),
    title: textOf(fields.title) ?? textOf(fields.document_title),
    citedText: textOf(fields.cited_text),
    ...(isForeign ? {} : { native: { protocol: 'anthropic', value } }),
  }
}

/** The citations of a text for a client; those of other protocols as results of a search, where they have an address. */
export function encodeCitations(citations: readonly Citation[] | undefined): Block[] {
  return (citations ?? []).flatMap((citation) => {
    const own = ownCitation(citation)
    if (own !== undefined) return [own]
    const { url, title = null, citedText = '' } = citation
    if (url === undefined) return []
    return [{ type: 'web_search_result_location', url, title, cited_text: citedText, encrypted_index: '' }]
  })
}

/** The citations that the provider itself told, as it told them. */
export function ownCitations(citations: readonly Citation[] | undefined): Block[] {
  return (citations ?? []).map(ownCitation).filter((citation) => citation !== undefined)
}

function ownCitation({ native }: Citation): Block | undefined {
  return native?.protocol === 'anthropic' ? fieldsOf(native.value) : undefined
}

function urlOf(source: unknown): string | undefined {
  const text = textOf(source)
  return text !== undefined && /^https?:\/\//.test(text) ? text : undefined
}
