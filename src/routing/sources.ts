import type { Target } from '../providers/target'
import type { Surroundings } from './resolve'

/** A sealed credential: how a target is called with it, where it may be; undefined where it may not. */
export interface StoredCredential {
  on(target: Target, around: Surroundings): Target | undefined
}

/** A further key of a provider. */
export interface StoredKey extends StoredCredential {
  name: string
  /** Relative, above 0. */
  weight: number
  /** Only these models; all when absent. */
  availableModels?: readonly string[] | null
  excludeModels?: readonly string[] | null
}

/** A model of a stored group, with a credential of its own where it has one. */
export interface StoredGroupModel {
  model: string
  /** Relative, above 0. */
  weight: number
  credentials?: StoredCredential
}

/** How often a failed call is repeated, and how long the first wait is. */
export interface RetryDefaults {
  isEnabled: boolean
  retries: number
  firstWaitMs: number
}

/** What is stored of routing: all of it in memory, and all of it may be absent. */
export interface RoutingSources {
  groups?: ReadonlyMap<string, { models: readonly StoredGroupModel[] }>
  /** By the id of their provider. */
  keys?: ReadonlyMap<string, readonly StoredKey[]>
  /** Tried after every other list. */
  fallbackModels?: readonly string[]
}
