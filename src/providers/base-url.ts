import { SluiceError } from '../platform/failure'
import type { CatalogProvider, Endpoint } from './catalog-row'
import { credentialFields } from './credential-fields'
import { problemWithBaseUrl, upstreamBase } from './upstream-url'
import { look, namesOf } from './variables'

/** What working out a URL needs of the worker. */
export interface UrlSurroundings {
  variable(name: string): string | undefined
  mayBePrivate: boolean
  /** A base URL that a request brought together with its own key, already checked. */
  broughtBase?: string
}

/**
 * An endpoint's base URL, with worker variables for its placeholders. `{ROW}_BASE_URL` (`OPENAI_BASE_URL`,
 * `VERTEX_AI_BASE_URL`) moves all endpoints of a row to another origin, below its path: `http://localhost:9000/x` and
 * an endpoint at `/v1` make `http://localhost:9000/x/v1`; what both have is not repeated.
 * @throws SluiceError `provider_not_configured` naming the variable
 */
export function endpointUrl(row: CatalogProvider, endpoint: Endpoint, around: UrlSurroundings): string {
  const { broughtBase } = around
  const path = endpoint.baseUrl.replace(/^https?:\/\/[^/?]+/, '')
  if (broughtBase !== undefined && (path === '' || path === '/v1'))
    return upstreamBase(broughtBase, endpoint.protocol)
  const moved = broughtBase ?? movedTo(row, around)
  if (moved === undefined) return filled(endpoint.baseUrl, row, around)
  return overlaid(moved, filled(path, row, around))
}

/** Where a worker variable moves a provider; undefined when none does. */
export function movedTo(
  row: CatalogProvider,
  { variable, mayBePrivate }: UrlSurroundings,
): string | undefined {
  const name = baseUrlVariable(row)
  const written = variable(name)
  if (written === undefined) return undefined
  const problem = problemWithBaseUrl(written, mayBePrivate)
  if (problem === undefined) return written
  throw new SluiceError({ kind: 'provider_not_configured', message: `${name}: ${problem}` })
}

/** What a placeholder's name, or the name of a variable that an endpoint is for, stands for; undefined when that is not set. */
export function placeVariable(name: string, variable: UrlSurroundings['variable']): string | undefined {
  return name === 'VERTEX_PROJECT' ? vertexProject(variable) : look(name, variable)
}

/** The worker variable that moves a provider. */
export function baseUrlVariable({ id }: CatalogProvider): string {
  return `${id.toUpperCase().replaceAll(/\W/g, '_')}_BASE_URL`
}

function filled(template: string, row: CatalogProvider, around: UrlSurroundings): string {
  if (!template.includes('{')) return template
  const valueOf = (name: string): string => {
    const value = derived[name]?.(valueOf, around) ?? look(name, around.variable) ?? defaults[name]
    if (value !== undefined) return value
    const message = `The provider ${row.id} needs the variable ${namesOf(name)}; set it in .dev.vars or with wrangler secret put.`
    throw new SluiceError({ kind: 'provider_not_configured', message })
  }
  return template.replaceAll(/\{(\w+)\}/g, (_, name) => encodeURIComponent(valueOf(name)))
}

const defaults: Readonly<Record<string, string>> = { VERTEX_LOCATION: 'global' }

type Derive = (valueOf: (name: string) => string, around: UrlSurroundings) => string | undefined

/** Placeholders that other values tell. */
const derived: Readonly<Record<string, Derive>> = {
  VERTEX_HOST: (valueOf) => vertexHost(valueOf('VERTEX_LOCATION')),
  VERTEX_PROJECT: (_, { variable }) => vertexProject(variable),
}

/** A service account belongs to a project, which is used when no other is named. */
function vertexProject(variable: UrlSurroundings['variable']): string | undefined {
  const account = () => credentialFields(variable('VERTEX_SERVICE_ACCOUNT_JSON') ?? '').account
  return look('VERTEX_PROJECT', variable) ?? account()?.projectId
}

/** The global location has no prefix, and the multi-regions `us` and `eu` have hosts of their own. */
function vertexHost(location: string): string {
  if (location === 'global') return 'aiplatform.googleapis.com'
  return location.includes('-')
    ? `${location}-aiplatform.googleapis.com`
    : `aiplatform.${location}.rep.googleapis.com`
}

function overlaid(moved: string, path: string): string {
  const url = new URL(moved)
  const [pathname = '', query] = path.split('?')
  const front = url.pathname.split('/').filter((part) => part !== '')
  const back = pathname.split('/').filter((part) => part !== '')
  const shared = back.map((_, index) => index + 1).findLast((count) => endsWith(front, back.slice(0, count)))
  url.pathname = [...front, ...back.slice(shared ?? 0)].join('/')
  if (query !== undefined) url.search = url.search === '' ? query : `${url.search}&${query}`
  return url.href.replace(/\/(?=\?|$)/, '')
}

function endsWith(parts: readonly string[], end: readonly string[]): boolean {
  return end.length <= parts.length && end.every((part, index) => part === parts.at(index - end.length))
}
