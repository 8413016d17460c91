import * as z from 'zod/mini'
import { SluiceError } from '../platform/failure'
import type { WireProtocolId } from '../protocols/protocol'
import type { UrlSurroundings } from './base-url'
import { findCatalogProvider } from './catalog'
import { catalogTarget } from './catalog-target'
import { credentialFields } from './credential-fields'
import { customAuth, customStyle } from './custom-auth'
import { baseUrlOf, credentialShape, credentialText } from './stored-credential'
import type { BroughtFrom, Target } from './target'
import { problemWithBaseUrl, upstreamBase } from './upstream-url'

const placeShape = { ...credentialShape, api_base: z.nullish(z.string().check(z.minLength(1))) }

/** The fields of a credential that a request brings; what is not known among them is told, not sent. */
export const broughtSchema = z.looseObject({
  ...placeShape,
  api_key: z.nullish(z.string().check(z.minLength(1))),
})

/** The names of those fields. */
export const BROUGHT_FIELDS: ReadonlySet<string> = new Set(Object.keys(broughtSchema.shape))

/** What of them says where the credential is used; a stored one may say it, too. */
export type PlaceFields = z.infer<z.ZodMiniObject<typeof placeShape>>

/** A credential that a request brought, and the path at which it did. */
export interface Brought {
  from: BroughtFrom
  at: string
  fields: z.infer<typeof broughtSchema>
}

/** Where the provider is configured, and what working out its URL needs. */
export interface BroughtSurroundings extends UrlSurroundings {
  /** A provider that is stored here: its URL does not come from the catalogue. */
  isCustom: boolean
  speaks?: WireProtocolId
}

/**
 * The target with a credential of the request's own. With it goes the request's own base URL, if it brought one: no
 * key that is kept here, and no stored header, ever travels to that.
 * @throws SluiceError `invalid_request` naming what is missing or wrong in the credential
 */
export function withBrought(target: Target, brought: Brought, around: BroughtSurroundings): Target {
  const { from, fields } = brought
  const text = keyOf(brought)
  checkPlace(brought, around)
  const { problem, ...there } = placed(target, fields, around)
  const credential = { kind: 'request' as const, from, text }
  return problem === undefined ? { ...there, credential } : { ...there, problem }
}

/**
 * The target where a credential's own fields say that it is: at another base URL, in another region, project or
 * version, and without the headers that are stored for the usual place. The credential itself is the caller's to put on.
 */
export function placed(target: Target, fields: PlaceFields, around: BroughtSurroundings): Target {
  if (around.isCustom) return atCustom(target, fields)
  const row = findCatalogProvider(target.providerId)
  if (row === undefined) return target
  const base = fields.api_base ?? undefined
  const there = catalogTarget(row, target.upstreamModel, around.speaks ?? 'openai-chat', {
    mayBePrivate: around.mayBePrivate,
    variable: variablesOf(fields, around),
    ...(base === undefined ? {} : { broughtBase: base }),
  })
  const auth = there.auth.kind === 'none' ? customAuth(there.protocol, there.url) : there.auth
  const { urlStyle: _style, bodyEdits: _edits, headers: _headers, problem: _problem, ...kept } = target
  return { ...there, ...kept, ...placeOf(there), auth }
}

function placeOf({ protocol, url, urlStyle, bodyEdits, headers }: Target) {
  return {
    protocol,
    url,
    ...(urlStyle === undefined ? {} : { urlStyle }),
    ...(bodyEdits === undefined ? {} : { bodyEdits }),
    ...(headers === undefined ? {} : { headers }),
  }
}

function atCustom(target: Target, fields: PlaceFields): Target {
  const { protocol } = target
  // A cloud's version is in the query there.
  const base = baseUrlOf(undefined, [protocol], onlyBase(fields))
  if (base === undefined)
    return target.problem === undefined ? { ...target, auth: customAuth(protocol, target.url) } : target
  const url = upstreamBase(base, protocol)
  const { sealedHeaders: _, urlStyle: _style, bodyEdits: _edits, problem: _problem, ...kept } = target
  return { ...kept, ...customStyle(protocol, url), url, auth: customAuth(protocol, url) }
}

// A region or a project does not move a provider whose URL is written out.
function onlyBase({ api_base: base, api_version: version }: PlaceFields) {
  return base === undefined || base === null ? {} : { api_base: base, api_version: version ?? undefined }
}

function keyOf({ at, fields }: Brought): string {
  const text = credentialText(fields.api_key, withoutBase(fields))
  const { apiKey, aws, account } = credentialFields(text ?? '')
  if (typeof text === 'string' && (apiKey ?? aws ?? account) !== undefined) return text
  const alone = fields.api_base === undefined || fields.api_base === null ? '' : ' beside its api_base'
  throw invalid(
    at,
    `'${at}' holds no key${alone}: give api_key, or the provider's own credential fields. A key that is kept here is never used with what a request brings.`,
  )
}

function checkPlace({ at, fields }: Brought, { mayBePrivate }: BroughtSurroundings): void {
  for (const [name, shape] of PARTS) {
    const value = fields[name]
    if (typeof value === 'string' && !shape.test(value))
      throw invalid(`${at}.${name}`, `'${at}.${name}' is not a name that can be a part of a URL.`)
  }
  const base = fields.api_base ?? undefined
  const problem = base === undefined ? undefined : problemWithBaseUrl(base, mayBePrivate)
  if (problem !== undefined) throw invalid(`${at}.api_base`, `'${at}.api_base': ${problem}`)
}

const NAME = /^[\w.:-]+$/
const PARTS = [
  ['aws_region_name', /^[\w-]+$/],
  ['vertex_location', /^[\w-]+$/],
  ['vertex_ai_location', /^[\w-]+$/],
  ['vertex_project', NAME],
  ['vertex_ai_project', NAME],
  ['api_version', NAME],
] as const

function withoutBase({ api_base: _, ...fields }: PlaceFields) {
  return fields
}

/** The worker's variables, but where the credential says otherwise. */
function variablesOf(fields: PlaceFields, { variable }: UrlSurroundings) {
  const text = credentialText(undefined, withoutBase(fields))
  const project = credentialFields(text ?? '').account?.projectId
  const own: Readonly<Record<string, string | null | undefined>> = {
    AWS_REGION: fields.aws_region_name,
    VERTEX_PROJECT: fields.vertex_project ?? fields.vertex_ai_project ?? project,
    VERTEX_LOCATION: fields.vertex_location ?? fields.vertex_ai_location,
    AZURE_API_VERSION: fields.api_version,
  }
  // What kind of endpoint the worker's own account has says nothing of another one.
  const isElsewhere = fields.api_base !== undefined && fields.api_base !== null
  const hidden = isElsewhere ? ['AZURE_API_VERSION', 'AZURE_OPENAI_API_VERSION'] : []
  return (name: string) => own[name] ?? (hidden.includes(name) ? undefined : variable(name))
}

function invalid(param: string, message: string): SluiceError {
  return new SluiceError({ kind: 'invalid_request', code: 'invalid_parameter', param, message })
}
