import type { ChatEvent } from '../answer'
import { fieldsOf, listOf, textOf } from '../fields'
import type { Citation } from '../parts'

/**
 * The sources that Perplexity and xAI tell at the top of an answer or of any of its chunks: addresses in `citations`,
 * and more of each in Perplexity's `search_results` (Perplexity, "Chat completions"; xAI, "Live search").
 */
export function sourcesOf(answer: Readonly<Record<string, unknown>>): Citation[] {
  if (answer.citations === undefined && answer.search_results === undefined) return []
  const byUrl = new Map<string, Citation>()
  for (const one of listOf(answer.citations)) {
    const url = textOf(one)
    if (url !== undefined) byUrl.set(url, { url })
  }
  for (const result of listOf(answer.search_results).map(fieldsOf)) {
    const url = textOf(result.url)
    if (url === undefined) continue
    const [title, citedText] = [textOf(result.title), textOf(result.snippet)]
    const told = {
      ...(title === undefined ? {} : { title }),
      ...(citedText === undefined ? {} : { citedText }),
    }
    byUrl.set(url, { url, ...told })
  }
  return [...byUrl.values()]
}

/** Those of the sources that a list of citations does not have yet. */
export function untold(sources: readonly Citation[], told: readonly Citation[]): Citation[] {
  if (sources.length === 0) return []
  const urls = new Set(told.map(({ url }) => url))
  return sources.filter(({ url }) => !urls.has(url))
}

/** Gathers the sources of a stream, and tells them at the end of each choice that has a text to which they can belong. */
export interface SourceReader {
  read(chunk: Readonly<Record<string, unknown>>): void
  /** Is shown all events of the choices. */
  note(event: ChatEvent): void
  /** What belongs before the finish of this choice. */
  before(choice: number): ChatEvent[]
}

/** For one stream; chunks that repeat a list, as Perplexity's do, cost a comparison. */
export function sourceReader(): SourceReader {
  let sources: Citation[] = []
  const told = new Map<number, Citation[]>()
  return {
    read(chunk) {
      const more = sourcesOf(chunk)
      // A later list is at least as long, and may know titles that the first one did not.
      if (more.length > 0) sources = [...more, ...untold(sources, more)]
    },
    note(event) {
      if (event.kind === 'text' && !told.has(event.choice)) told.set(event.choice, [])
      if (event.kind === 'citation')
        told.set(event.choice, [...(told.get(event.choice) ?? []), event.citation])
    },
    before(choice) {
      const known = told.get(choice)
      if (known === undefined) return []
      return untold(sources, known).map((citation) => ({ kind: 'citation', choice, citation }))
    },
  }
}
