import type { EncodeTarget } from '../codec'
import type { ChatRequest } from '../request'

/** What the parts of a request need to know of the rest of it; `losses` are added to on the way. */
export interface Conversation {
  request: ChatRequest
  target: EncodeTarget
  losses: Set<string>
  /** The calls so far: their names, in the order in which they were made. */
  calls: Map<string, { name: string; position: number }>
}
