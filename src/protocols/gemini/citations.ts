import { countOf, fieldsOf, isObject, listOf, textOf } from '../fields'
import type { Citation } from '../parts'

/** What a candidate cites: the sources that ground it, and the works that it recites; `text` is its text. */
export function decodeCitations(candidate: Record<string, unknown>, text: string): Citation[] {
  const { groundingChunks, groundingSupports } = fieldsOf(candidate.groundingMetadata)
  const chunks = listOf(groundingChunks)
  const supports = listOf(groundingSupports).map(fieldsOf)
  const supported = supports.flatMap(({ segment, groundingChunkIndices }) => {
    const place = placeIn(text, fieldsOf(segment))
    return listOf(groundingChunkIndices).flatMap((index) => {
      const chunk = typeof index === 'number' ? chunks[index] : undefined
      return chunk === undefined ? [] : [{ ...sourceOf(chunk), ...place }]
    })
  })
  const used = new Set(supports.flatMap(({ groundingChunkIndices }) => listOf(groundingChunkIndices)))
  const others = chunks.filter((_, index) => !used.has(index)).map(sourceOf)
  const { citations, citationSources } = fieldsOf(candidate.citationMetadata)
  const recited = [...listOf(citations), ...listOf(citationSources)].map(fieldsOf).map((citation) => ({
    url: textOf(citation.uri),
    title: textOf(citation.title),
    ...placeIn(text, citation),
  }))
  return [...supported, ...others, ...recited]
}

/** Citations as the `groundingMetadata` of a candidate; `at` is their part's position among the candidate's parts. */
export function encodeCitations(cited: readonly { citation: Citation; text: string; at: number }[]): {
  groundingMetadata?: unknown
} {
  if (cited.length === 0) return {}
  const chunks = new Map<string, unknown>()
  const supports = cited.flatMap(({ citation, text, at }) => {
    const chunk = chunkOf(citation)
    const key = JSON.stringify(chunk)
    chunks.set(key, chunk)
    const { startIndex, endIndex } = citation
    if (endIndex === undefined) return []
    const start = startIndex ?? 0
    const segment = {
      ...(at === 0 ? {} : { partIndex: at }),
      startIndex: byteLength(text.slice(0, start)),
      endIndex: byteLength(text.slice(0, endIndex)),
      text: text.slice(start, endIndex),
    }
    return [{ segment, groundingChunkIndices: [[...chunks.keys()].indexOf(key)] }]
  })
  return { groundingMetadata: { groundingChunks: [...chunks.values()], groundingSupports: supports } }
}

function sourceOf(chunk: unknown): Citation {
  const { web, retrievedContext, maps, image } = fieldsOf(chunk)
  const source = [web, retrievedContext, maps, image].find(isObject) ?? {}
  return {
    url: textOf(source.uri) ?? textOf(source.sourceUri),
    title: textOf(source.title),
    citedText: textOf(source.text),
    native: { protocol: 'gemini', value: chunk },
  }
}

function chunkOf({ url, title, native }: Citation): unknown {
  if (native?.protocol === 'gemini') return native.value
  return {
    web: { ...(url === undefined ? {} : { uri: url }), ...(title === undefined ? {} : { title }) },
  }
}

// Google counts bytes of UTF-8.
function placeIn(text: string, { startIndex, endIndex }: Record<string, unknown>) {
  const end = countOf(endIndex)
  if (end === undefined) return {}
  return { startIndex: unitAt(text, countOf(startIndex) ?? 0), endIndex: unitAt(text, end) }
}

function unitAt(text: string, byteOffset: number): number {
  let bytes = 0
  let units = 0
  for (const character of text) {
    if (bytes >= byteOffset) break
    bytes += byteLength(character)
    units += character.length
  }
  return units
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length
}
