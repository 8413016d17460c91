import type { Env } from '../platform/env'

/** Where something that a provider keeps was made: a stored response, a file, a batch. */
export interface Origin {
  providerId: string
  /** The model's name here, where a model made it. */
  model?: string
}

/** Providers keep responses for 30 days unless they are deleted (OpenAI, "Your data"). */
const KEPT_SECONDS = 30 * 24 * 60 * 60
/** KV takes no longer keys; ids of providers are near 60 bytes. */
const MAX_ID_LENGTH = 400
/** What this isolate has written or read: a follow-up often comes before KV shows the id, and is written once. */
const known = new Map<string, Origin>()
const MAX_KNOWN = 10_000

/** Remembers where an id belongs, so that a later call with it finds its way; a full or absent KV is no failure. */
export async function rememberOrigin(env: Env, id: string, origin: Origin): Promise<void> {
  if (id.length > MAX_ID_LENGTH || known.get(id)?.providerId === origin.providerId) return
  keepKnown(id, origin)
  // biome-ignore lint/suspicious/noConsole: the operator should know why follow-ups lose their way
  const told = (cause: unknown) => console.error('could not remember where an id belongs', cause)
  await env.CACHE.put(keyOf(id), JSON.stringify(origin), { expirationTtl: KEPT_SECONDS }).catch(told)
}

/** Where an id belongs; undefined when it was not made through this gateway, or too long ago. */
export async function originOf(env: Env, id: string): Promise<Origin | undefined> {
  if (id.length > MAX_ID_LENGTH) return undefined
  const here = known.get(id)
  if (here !== undefined) return here
  const found = await env.CACHE.get<Origin>(keyOf(id), 'json').catch(() => null)
  if (found === null) return undefined
  keepKnown(id, found)
  return found
}

function keepKnown(id: string, origin: Origin): void {
  if (known.size >= MAX_KNOWN) known.clear()
  known.set(id, origin)
}

function keyOf(id: string): string {
  return `origin:${id}`
}
