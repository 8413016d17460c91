import type { StoredPrompt } from '../platform/held-prompts'
import type { WantedVersion } from './prompt-call'

/** Whom a request is for, so that an experiment treats them alike each time. */
export interface Subject {
  customer: string | undefined
  thread: string | undefined
  /** From 0 to 1, for a request that says nothing of either. */
  roll: () => number
}

/** The version that a request gets, and the label that led there. */
export interface Served {
  version: number | 'latest'
  label?: string
}

/** Which version a request gets; undefined where there is none: no such label, or nothing deployed. */
export function servedVersion(
  prompt: StoredPrompt,
  wanted: WantedVersion,
  subject: Subject,
): Served | undefined {
  if (wanted.kind === 'latest') return { version: 'latest' }
  if (wanted.kind === 'version') return { version: wanted.version }
  if (wanted.kind === 'label') {
    const { label } = wanted
    const version = prompt.labels.get(label)
    if (version !== undefined) return { version, label }
    if (wanted.isOptional !== true) return undefined
  }
  const { experiment, row } = prompt
  const tried = experiment === undefined ? undefined : armOf(experiment, subject)
  const version = tried ?? row.liveVersion
  return version === null ? undefined : { version }
}

function armOf(
  { id, arms, stickyBy }: NonNullable<StoredPrompt['experiment']>,
  { customer, thread, roll }: Subject,
): number | undefined {
  const key = { customer: customer ?? thread, thread: thread ?? customer, request: undefined }[stickyBy]
  const total = arms.reduce((sum, { weight }) => sum + weight, 0)
  let left = (key === undefined ? roll() : shareOf(`${id} ${key}`)) * total
  for (const { version, weight } of arms) {
    left -= weight
    if (left < 0) return version
  }
  return arms.at(-1)?.version
}

/** The same number from 0 to 1 for the same words, evenly spread (FNV-1a, then the finalizer of MurmurHash3). */
function shareOf(words: string): number {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(words)) hash = Math.imul(hash ^ byte, 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}
