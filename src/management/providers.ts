import { eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import * as z from 'zod'
import { type ProviderRow, providerKeys, providers } from '../platform/config-schema'
import { seal } from '../platform/encryption'
import { SluiceError } from '../platform/failure'
import { LONGEST_TIMEOUT } from '../platform/settings'
import { isWireProtocolId, upstreamCodecs } from '../protocols/table'
import { findCatalogProvider } from '../providers/catalog'
import { baseUrlOf, credentialShape, credentialText } from '../providers/stored-credential'
import { problemWithBaseUrl } from '../providers/upstream-url'
import { strandedBy } from '../routing/credential-home'
import { sealContext } from '../routing/resolve'
import { adminRoutes } from './admin-routes'
import { invalidField, noContent, notFound, pageOf, readJson } from './replies'
import type { ManagementContext } from './route'

const extraSchema = z.strictObject({
  base_url: z.string().optional(),
  /** Seconds. */
  timeout: z.number().positive().max(LONGEST_TIMEOUT).nullish(),
  temperature: z.number().nullish(),
  max_tokens: z.number().int().positive().nullish(),
  ...credentialShape,
})

const fields = {
  provider_name: z.string().min(1).max(200).optional(),
  api_key: z.string().min(1).nullish(),
  base_url: z.string().optional(),
  protocols: z.array(z.string()).min(1).optional(),
  headers: z.record(z.string().regex(/^[\w-]+$/, 'is not a header name'), z.string()).nullish(),
  extra_kwargs: extraSchema.nullish(),
}

const patchSchema = z.strictObject(fields)
const createSchema = z.strictObject({
  provider_id: z
    .string()
    .regex(
      /^[A-Za-z0-9][\w.-]{0,63}$/,
      'must be 1 to 64 letters, digits, ., _ or -, and start with a letter or digit',
    ),
  ...fields,
})

type ProviderFields = z.infer<typeof patchSchema>
const ITEM = '/api/providers/:provider'

/** Custom providers: OpenAI-compatible endpoints of one's own (compatibility document, A10). */
export const providerRoutes = adminRoutes('/api/providers', ITEM, {
  list,
  create,
  read: async (context) => Response.json(shown(await found(context))),
  change: (context) => change(context, patchSchema),
  replace,
  remove,
})

async function list({ env, request }: ManagementContext): Promise<Response> {
  const rows = await drizzle(env.CONFIG).select().from(providers).orderBy(providers.providerId)
  return pageOf(new URL(request.url), rows.map(shown))
}

async function create(context: ManagementContext): Promise<Response> {
  const { provider_id: providerId, ...given } = await readJson(context.request, createSchema)
  const before = await byId(context, providerId)
  return save(context, { providerId, given, before })
}

async function change(context: ManagementContext, schema: z.ZodType<ProviderFields>): Promise<Response> {
  const before = await found(context)
  return save(context, {
    providerId: before.providerId,
    given: await readJson(context.request, schema),
    before,
  })
}

/** PUT takes the whole provider; a field that is absent goes back to its default, but for the key, which nobody can read back. */
async function replace(context: ManagementContext): Promise<Response> {
  const before = await found(context)
  const schema = z.strictObject({ ...fields, provider_id: z.literal(before.providerId).optional() })
  const { provider_id: _, ...given } = await readJson(context.request, schema)
  const emptied = {
    ...before,
    providerName: before.providerId,
    protocols: ['openai-chat'],
    timeoutMs: null,
    defaults: null,
  }
  return save(context, {
    providerId: before.providerId,
    given,
    before: { ...emptied, sealedHeaders: null, headerNames: null },
  })
}

async function remove(context: ManagementContext): Promise<Response> {
  const row = await found(context)
  const database = drizzle(context.env.CONFIG)
  await database.batch([
    database.delete(providers).where(eq(providers.id, row.id)),
    database.delete(providerKeys).where(eq(providerKeys.providerId, row.providerId)),
  ])
  await context.isolate.config.refreshed(context.background, 0)
  return noContent()
}

async function save(
  context: ManagementContext,
  change: { providerId: string; given: ProviderFields; before: ProviderRow | undefined },
): Promise<Response> {
  const { env, effects, isolate, background } = context
  const { providerId, given, before } = change
  const baseUrl = checkedBaseUrl(context, given, before)
  await refuseToStrand(context, providerId, baseUrl)
  const nowMs = effects.now()
  const row = {
    providerId,
    providerName: given.provider_name ?? before?.providerName ?? providerId,
    baseUrl,
    protocols: checkedProtocols(given.protocols) ?? before?.protocols ?? ['openai-chat'],
    ...(await sealedOf(context, { ...change, baseUrl })),
    ...tuningOf(given, before),
    createdAtMs: before?.createdAtMs ?? nowMs,
    updatedAtMs: nowMs,
  }
  const [saved] = await drizzle(env.CONFIG)
    .insert(providers)
    .values(row)
    .onConflictDoUpdate({ target: providers.providerId, set: row })
    .returning()
  await isolate.config.refreshed(background, 0)
  return Response.json(saved === undefined ? {} : shown(saved), { status: before === undefined ? 201 : 200 })
}

function checkedBaseUrl(
  { env }: ManagementContext,
  given: ProviderFields,
  before: ProviderRow | undefined,
): string {
  const { extra_kwargs: extra } = given
  const written = given.base_url ?? extra?.base_url
  const baseUrl = baseUrlOf(written, given.protocols ?? before?.protocols, extra ?? {}) ?? before?.baseUrl
  if (baseUrl === undefined) throw invalidField('base_url', 'is required (here, or as extra_kwargs.base_url)')
  const problem = problemWithBaseUrl(baseUrl, env.ALLOW_PRIVATE_UPSTREAMS === 'true')
  if (problem !== undefined) throw invalidField('base_url', problem)
  return baseUrl
}

/** What is bound to another host would never be used again, and nobody would be told. */
async function refuseToStrand(
  { isolate, background }: ManagementContext,
  providerId: string,
  baseUrl: string,
): Promise<void> {
  const stranded = strandedBy(await isolate.config.refreshed(background, 0), providerId, baseUrl)
  if (stranded.length === 0) return
  throw invalidField(
    'base_url',
    `is another host than ${stranded.join(', ')} may be sent to; delete them first`,
  )
}

function checkedProtocols(protocols: string[] | undefined): string[] | undefined {
  const unknown = protocols?.find((name) => !isWireProtocolId(name))
  if (unknown !== undefined)
    throw invalidField(
      'protocols',
      `"${unknown}" is not a protocol that this release speaks (${Object.keys(upstreamCodecs).join(', ')})`,
    )
  return protocols
}

/** Keys and headers, sealed for this provider and host: with another host what was stored before does not open. */
async function sealedOf(
  { env }: ManagementContext,
  change: { providerId: string; given: ProviderFields; before: ProviderRow | undefined; baseUrl: string },
) {
  const { providerId, given, before, baseUrl } = change
  const { headers } = given
  const apiKey = credentialText(given.api_key, given.extra_kwargs ?? {})
  const context = sealContext(providerId, baseUrl)
  const isMoved = before !== undefined && sealContext(providerId, before.baseUrl) !== context
  if (isMoved && before.sealedApiKey !== null && apiKey === undefined) throw invalidField('api_key', MOVED)
  if (isMoved && before.sealedHeaders !== null && given.headers === undefined)
    throw invalidField('headers', MOVED)
  const sealOrNull = (text: string | null | undefined) =>
    text === null || text === undefined ? null : seal(env.ENCRYPTION_KEY, context, text)
  return {
    sealedApiKey: apiKey === undefined ? (before?.sealedApiKey ?? null) : await sealOrNull(apiKey),
    sealedHeaders:
      headers === undefined
        ? (before?.sealedHeaders ?? null)
        : await sealOrNull(headers === null ? null : JSON.stringify(headers)),
    headerNames:
      headers === undefined ? (before?.headerNames ?? null) : headers === null ? null : Object.keys(headers),
  }
}

const MOVED =
  'is bound to the host it was stored for; give it again together with the new base_url, or null to remove it'

/** What a change of `extra_kwargs` names is changed; null takes a value away, and what is not named stays. */
function tuningOf(given: ProviderFields, before: ProviderRow | undefined) {
  const { timeout, temperature, max_tokens: maxTokens } = given.extra_kwargs ?? {}
  const asked = { ...before?.defaults, ...definedOf({ temperature, max_tokens: maxTokens }) }
  const defaults = Object.entries(asked).filter(([, value]) => value !== null)
  return {
    timeoutMs:
      timeout === undefined
        ? (before?.timeoutMs ?? null)
        : timeout === null
          ? null
          : Math.round(timeout * 1_000),
    defaults:
      defaults.length === 0
        ? null
        : Object.fromEntries(defaults.map(([name, value]) => [name, Number(value)])),
  }
}

function definedOf(fields: Record<string, number | null | undefined>): Record<string, number | null> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}

/** By slug, or by the number that older clients know. */
async function byId({ env }: ManagementContext, id: string): Promise<ProviderRow | undefined> {
  const database = drizzle(env.CONFIG)
  const [bySlug] = await database.select().from(providers).where(eq(providers.providerId, id))
  if (bySlug !== undefined || !/^\d+$/.test(id)) return bySlug
  const [byNumber] = await database
    .select()
    .from(providers)
    .where(eq(providers.id, Number(id)))
  return byNumber
}

async function found(context: ManagementContext): Promise<ProviderRow> {
  const id = context.params.provider ?? ''
  const row = await byId(context, id)
  if (row !== undefined) return row
  if (findCatalogProvider(id) === undefined) throw notFound()
  throw new SluiceError({
    kind: 'forbidden',
    message: `'${id}' is built in; POST a provider with this provider_id to replace it.`,
  })
}

function shown(row: ProviderRow) {
  return {
    id: row.providerId,
    provider_id: row.providerId,
    provider_name: row.providerName,
    base_url: row.baseUrl,
    protocols: row.protocols,
    has_api_key: row.sealedApiKey !== null,
    header_names: row.headerNames ?? [],
    timeout: row.timeoutMs === null ? null : row.timeoutMs / 1_000,
    defaults: row.defaults ?? {},
    is_managed: false,
    created_at: new Date(row.createdAtMs).toISOString(),
    updated_at: new Date(row.updatedAtMs).toISOString(),
  }
}
