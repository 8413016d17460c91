import type { Json, JsonObject } from './chat-request'

/** What a provider remembers between calls; `reset` forgets it. */
export interface Store {
  /** Responses by id, with the input items that led to them. */
  responses: Map<string, { response: JsonObject; input: Json[] }>
  files: Map<string, { file: JsonObject; bytes: Uint8Array }>
  batches: Map<string, JsonObject>
}

/** A provider that remembers nothing yet. */
export function emptyStore(): Store {
  return { responses: new Map(), files: new Map(), batches: new Map() }
}
