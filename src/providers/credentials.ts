import { unseal } from '../platform/encryption'
import { type Env, variable } from '../platform/env'
import { SluiceError } from '../platform/failure'
import type { Target } from './target'

/** Opened credentials by their sealed text, which is unique to each; bounded, and gone with the isolate. */
const opened = new Map<string, string>()
const MAX_OPENED = 1_000

/** The headers that authorize a call, and the secret values in them, for taking out of what the provider echoes. */
export interface Authorization {
  headers: [string, string][]
  secrets: string[]
}

/** No await in a warm isolate: what was opened once stays open in memory. */
export function authorize(target: Target, env: Env): Authorization | Promise<Authorization> {
  const sealed = [sealedCredential(target), target.sealedHeaders].filter((one) => one !== undefined)
  const closed = sealed.filter((one) => !opened.has(one.sealed))
  return closed.length === 0 ? assemble(target, env) : openAll(closed, env).then(() => assemble(target, env))
}

function assemble(target: Target, env: Env): Authorization {
  const custom = customHeaders(target)
  const key = keyOf(target, env)
  const headers = [...custom]
  if (key !== undefined && target.auth.kind === 'bearer') headers.push(['authorization', `Bearer ${key}`])
  if (key !== undefined && target.auth.kind === 'header') headers.push([target.auth.header, key])
  return { headers, secrets: [...(key === undefined ? [] : [key]), ...custom.map(([, value]) => value)] }
}

function keyOf(target: Target, env: Env): string | undefined {
  const { credential } = target
  switch (credential.kind) {
    case 'none':
      return undefined
    case 'stored':
      return opened.get(credential.sealed)
    case 'secret': {
      const value = variable(env, credential.name)
      if (value !== undefined) return value
      throw new SluiceError({
        kind: 'provider_not_configured',
        message: `There is no key for the provider '${target.providerId}': set ${credential.name} in .dev.vars or with wrangler secret put, or store the provider with a key at /api/providers/.`,
      })
    }
  }
}

function customHeaders(target: Target): [string, string][] {
  const text = target.sealedHeaders === undefined ? undefined : opened.get(target.sealedHeaders.sealed)
  const headers: unknown = text === undefined ? {} : JSON.parse(text)
  return Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)])
}

function sealedCredential(target: Target): { sealed: string; context: string } | undefined {
  return target.credential.kind === 'stored' ? target.credential : undefined
}

async function openAll(closed: { sealed: string; context: string }[], env: Env): Promise<void> {
  for (const { sealed, context } of closed) {
    if (opened.size >= MAX_OPENED) opened.clear()
    opened.set(sealed, await unseal(env.ENCRYPTION_KEY, context, sealed))
  }
}
