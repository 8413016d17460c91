import { unseal } from '../platform/encryption'
import { type Env, variable } from '../platform/env'
import { type Failure, SluiceError } from '../platform/failure'
import { type AwsKeys, type CredentialFields, credentialFields } from './credential-fields'
import { googleToken, heldGoogleToken } from './google-token'
import { signAws } from './sign-aws'
import type { Auth, Target } from './target'
import { look } from './variables'

/** Opened credentials by their sealed text, which is unique to each; bounded, and gone with the isolate. */
const opened = new Map<string, string>()
const MAX_OPENED = 1_000
/** The secret that comes in three parts. */
const AWS_ACCESS_KEY_ID = 'AWS_ACCESS_KEY_ID'

/** What a signature covers. */
export interface SignedCall {
  url: string
  method: string
  body: Uint8Array<ArrayBuffer>
}

/** What authorizes a call. */
export interface Authorization {
  headers: [string, string][]
  /** The secret values in them, for taking out of what the provider echoes. */
  secrets: string[]
  /** Headers that depend on the call itself. */
  sign?: (call: SignedCall) => Promise<[string, string][]>
}

/** No await in a warm isolate: what was opened once stays open in memory, and so does an access token. */
export function authorize(target: Target, env: Env): Authorization | Promise<Authorization> {
  const sealed = [sealedCredential(target), target.sealedHeaders].filter((one) => one !== undefined)
  const closed = sealed.filter((one) => !opened.has(one.sealed))
  return closed.length === 0 ? assemble(target, env) : openAll(closed, env).then(() => authorize(target, env))
}

/**
 * Why a target's credential would not authorize a call, as far as that shows without asking anybody: an access token
 * is not fetched.
 */
export async function credentialProblem(target: Target, env: Env): Promise<Failure | undefined> {
  const closed = sealedCredential(target)
  try {
    if (closed !== undefined && !opened.has(closed.sealed)) await openAll([closed], env)
    const text = textOf(target, env)
    const needsToken = text !== undefined && target.auth.kind === 'google'
    if (!needsToken || fieldsOf(target, env, text).account === undefined) await authorize(target, env)
    return undefined
  } catch (cause) {
    if (cause instanceof SluiceError) return cause.failure
    throw cause
  }
}

/** The secret values that a call of this target can have carried, without opening or asking for any. */
export function heldSecrets(target: Target, env: Env): string[] {
  const text = textOf(target, env)
  const { apiKey, account, aws } = text === undefined ? {} : fieldsOf(target, env, text)
  const token = account === undefined ? undefined : heldGoogleToken(account)
  return [
    ...[apiKey, token, aws?.secretAccessKey, aws?.sessionToken].filter((one) => one !== undefined),
    // In lines, as a key is repeated with real line breaks or escaped ones.
    ...(account?.privateKey.split('\n').filter((line) => line.length > 0 && !line.startsWith('-----')) ?? []),
    ...customHeaders(target).map(([, value]) => value),
  ]
}

function assemble(target: Target, env: Env): Authorization | Promise<Authorization> {
  const custom = customHeaders(target)
  const text = textOf(target, env)
  const secrets = custom.map(([, value]) => value)
  if (text === undefined) {
    if (target.credential.kind === 'secret') throw missing(target, target.credential.name)
    return { headers: custom, secrets }
  }
  const key = authorizers[target.auth.kind]({ target, env, fields: fieldsOf(target, env, text) })
  const joined = (own: Authorization): Authorization => ({
    ...own,
    headers: [...custom, ...own.headers],
    secrets: [...own.secrets, ...secrets],
  })
  return key instanceof Promise ? key.then(joined) : joined(key)
}

interface Given {
  target: Target
  env: Env
  fields: CredentialFields
}

const authorizers: Readonly<Record<Auth['kind'], (given: Given) => Authorization | Promise<Authorization>>> =
  {
    none: ({ fields }) => ({ headers: [], secrets: fields.apiKey === undefined ? [] : [fields.apiKey] }),
    bearer: (given) => bearerOf(apiKeyOf(given)),
    header(given) {
      const key = apiKeyOf(given)
      const { auth } = given.target
      return auth.kind === 'header' ? { headers: [[auth.header, key]], secrets: [key] } : bearerOf(key)
    },
    google({ target, env, fields: { account, apiKey } }) {
      if (account === undefined && apiKey !== undefined) return bearerOf(apiKey)
      if (account === undefined) throw wrong(target, "holds no service account: store the JSON of one's key")
      const mayBePrivate = env.ALLOW_PRIVATE_UPSTREAMS === 'true'
      const token = googleToken(account, { providerId: target.providerId, mayBePrivate })
      return token instanceof Promise ? token.then(bearerOf) : bearerOf(token)
    },
    aws({ target, env, fields: { aws, apiKey, awsRegion } }) {
      if (aws === undefined && apiKey !== undefined) return bearerOf(apiKey)
      if (aws === undefined)
        throw wrong(target, 'needs aws_access_key_id and aws_secret_access_key, or api_key')
      const ofWorker =
        target.credential.kind === 'secret' ? look('AWS_REGION', (name) => variable(env, name)) : undefined
      const region = regionOf(target) ?? awsRegion ?? ofWorker
      if (region === undefined) throw wrong(target, 'needs aws_region_name')
      const { secretAccessKey, sessionToken } = aws
      return {
        headers: [],
        secrets: [secretAccessKey, ...(sessionToken === undefined ? [] : [sessionToken])],
        sign: (call) => signAws({ ...call, region }, aws),
      }
    },
  }

function bearerOf(key: string): Authorization {
  return { headers: [['authorization', `Bearer ${key}`]], secrets: [key] }
}

function apiKeyOf({ target, fields: { apiKey } }: Given): string {
  if (apiKey !== undefined) return apiKey
  throw wrong(target, 'is a JSON object without api_key')
}

function regionOf({ auth, url }: Target): string | undefined {
  if (auth.kind === 'aws' && auth.region !== undefined) return auth.region
  return /^https:\/\/[\w-]+\.([\w-]+)\.amazonaws\.com/.exec(url)?.[1]
}

/** The credential as it is written; undefined when there is none or it is still sealed. */
function textOf({ credential }: Target, env: Env): string | undefined {
  switch (credential.kind) {
    case 'none':
      return undefined
    case 'stored':
      return opened.get(credential.sealed)
    case 'secret':
      return variable(env, credential.name)
    case 'request':
      return credential.text
  }
}

function fieldsOf({ credential }: Target, env: Env, text: string): CredentialFields {
  if (credential.kind !== 'secret' || credential.name !== AWS_ACCESS_KEY_ID) return credentialFields(text)
  const secretAccessKey = variable(env, 'AWS_SECRET_ACCESS_KEY')
  const sessionToken = variable(env, 'AWS_SESSION_TOKEN')
  if (secretAccessKey === undefined) return {}
  const aws: AwsKeys = { accessKeyId: text, secretAccessKey }
  return { aws: sessionToken === undefined ? aws : { ...aws, sessionToken } }
}

function missing({ providerId }: Target, name: string): SluiceError {
  return new SluiceError({
    kind: 'provider_not_configured',
    message: `There is no key for the provider '${providerId}': set ${name} in .dev.vars or with wrangler secret put, or store the provider with a key at /api/providers/.`,
  })
}

function wrong({ providerId, credential }: Target, what: string): SluiceError {
  const where = credential.kind === 'secret' ? credential.name : OWNERS[credential.kind]
  return new SluiceError({
    kind: 'provider_not_configured',
    message: `The credential of the provider '${providerId}' does not fit. ${where} ${what}.`,
  })
}

const OWNERS = { none: 'It', stored: 'The stored key', request: 'The one in the request' }

function customHeaders(target: Target): [string, string][] {
  const text = target.sealedHeaders === undefined ? undefined : opened.get(target.sealedHeaders.sealed)
  const headers: unknown = text === undefined ? {} : JSON.parse(text)
  return Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)])
}

function sealedCredential(target: Target): { sealed: string; context: string } | undefined {
  return target.credential.kind === 'stored' ? target.credential : undefined
}

async function openAll(closed: { sealed: string; context: string }[], env: Env): Promise<void> {
  if (opened.size >= MAX_OPENED) opened.clear()
  for (const { sealed, context } of closed) {
    opened.set(sealed, await unseal(env.ENCRYPTION_KEY, context, sealed))
  }
}
