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

/**
 * Puts the sources of a stream before the finish of each choice that has a text to which they can belong. They may come
 * with the finish or behind it, so that it waits for the chunk that follows.
 */
export interface SourceTeller {
  /** Reads what a chunk says of sources; what has waited for it may go on. */
  next(chunk: Readonly<Record<string, unknown>>): ChatEvent[]
  /** What of an event may go on at once. */
  pass(event: ChatEvent): ChatEvent[]
  /** What still waits when nothing follows. */
  rest(): ChatEvent[]
}

/** For one stream; a list that each chunk repeats, as Perplexity's do, is told once. */
export function sourceTeller(): SourceTeller {
  const told = new Map<number, Citation[]>()
  let sources: Citation[] = []
  let held: ChatEvent[] = []

  const before = (choice: number): ChatEvent[] => {
    const known = told.get(choice)
    if (known === undefined) return []
    return untold(sources, known).map((citation) => ({ kind: 'citation', choice, citation }))
  }
  const rest = () => {
    const events = held.flatMap((event) =>
      event.kind === 'finish' ? [...before(event.choice), event] : [event],
    )
    held = []
    return events
  }
  return {
    next(chunk) {
      const more = sourcesOf(chunk)
      // A later list may know titles that the first one did not.
      if (more.length > 0) sources = [...more, ...untold(sources, more)]
      return rest()
    },
    pass(event) {
      if (event.kind === 'text' && !told.has(event.choice)) told.set(event.choice, [])
      if (event.kind === 'citation')
        told.set(event.choice, [...(told.get(event.choice) ?? []), event.citation])
      const mustWait = event.kind === 'finish' || (event.kind === 'usage' && held.length > 0)
      if (!mustWait) return [event]
      held.push(event)
      return []
    },
    rest,
  }
}
