import * as z from 'zod/mini'
import type { WireProtocolId } from '../protocols/protocol'

const text = z.nullish(z.string().check(z.minLength(1)))
const account = z.nullish(z.union([z.string().check(z.minLength(1)), z.record(z.string(), z.unknown())]))

/** The credential fields that clouds have instead of one API key, by the names that other gateways know. */
export const credentialShape = {
  api_base: z.optional(z.string()),
  api_version: text,
  aws_access_key_id: text,
  aws_secret_access_key: text,
  aws_session_token: text,
  aws_region_name: text,
  vertex_project: text,
  vertex_location: text,
  vertex_credentials: account,
  vertex_ai_project: text,
  vertex_ai_location: text,
  vertex_ai_credentials: account,
}

/** They as they were given. */
export type GivenCredential = z.infer<z.ZodMiniObject<typeof credentialShape>>

const IN_CREDENTIAL = [
  ...(['aws_access_key_id', 'aws_secret_access_key', 'aws_session_token', 'aws_region_name'] as const),
  ...(['vertex_credentials', 'vertex_ai_credentials'] as const),
]

/** The text that is sealed for a provider: its API key, or JSON with the fields (`credential-fields.ts`). */
export function credentialText(
  apiKey: string | null | undefined,
  given: GivenCredential,
): string | null | undefined {
  const fields = IN_CREDENTIAL.filter((name) => given[name] !== undefined && given[name] !== null)
  if (fields.length === 0) return apiKey
  const own = Object.fromEntries(fields.map((name) => [name, given[name]]))
  return JSON.stringify(apiKey === undefined || apiKey === null ? own : { api_key: apiKey, ...own })
}

/** The base URL that the fields say, where one was not written out; undefined when they say none. */
export function baseUrlOf(
  written: string | undefined,
  protocols: readonly string[] | undefined,
  given: GivenCredential,
): string | undefined {
  const base = written ?? given.api_base ?? derived(protocols, given)
  const version = given.api_version
  if (base === undefined || version === undefined || version === null) return base
  const url = URL.canParse(base) ? new URL(base) : undefined
  if (url === undefined || url.searchParams.has('api-version')) return base
  url.searchParams.set('api-version', version)
  return url.href
}

function derived(protocols: readonly string[] | undefined, given: GivenCredential): string | undefined {
  const {
    aws_region_name: region,
    vertex_project,
    vertex_ai_project,
    vertex_location,
    vertex_ai_location,
  } = given
  const first = protocols?.[0]
  if (region !== undefined && region !== null) return `https://bedrock-runtime.${region}.amazonaws.com`
  const project = vertex_project ?? vertex_ai_project
  if (project === undefined || project === null) return undefined
  const location = vertex_location ?? vertex_ai_location ?? 'global'
  const host = location === 'global' ? '' : `${location}-`
  const publisher = PUBLISHERS.find(({ protocol }) => protocol === first)?.path ?? '/endpoints/openapi'
  return `https://${host}aiplatform.googleapis.com/v1/projects/${project}/locations/${location}${publisher}`
}

const PUBLISHERS: readonly { protocol: WireProtocolId; path: string }[] = [
  { protocol: 'gemini', path: '/publishers/google' },
  { protocol: 'anthropic', path: '/publishers/anthropic' },
]
