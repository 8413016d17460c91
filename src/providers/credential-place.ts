import { SluiceError } from '../platform/failure'
import { baseUrlVariable, endpointUrl, type UrlSurroundings } from './base-url'
import type { CatalogProvider } from './catalog-row'
import type { GivenCredential } from './stored-credential'

/** Where a credential is used instead of its provider's usual place; the fields are those of `SealedCredential`. */
export type Place = Readonly<Record<string, string>>

/** What is wrong with one field, in words for whoever gave it. */
export interface FieldProblem {
  field: string
  problem: string
}

/** The worker variables that a place's fields stand before. */
const VARIABLES: Readonly<Record<string, string>> = {
  api_version: 'AZURE_API_VERSION',
  aws_region_name: 'AWS_REGION',
  vertex_project: 'VERTEX_PROJECT',
  vertex_location: 'VERTEX_LOCATION',
}

/** What the fields of a credential say of its place, each under one name. */
export function placeIn(given: GivenCredential): Place {
  const said = {
    api_base: given.api_base,
    api_version: given.api_version,
    aws_region_name: given.aws_region_name,
    vertex_project: given.vertex_project ?? given.vertex_ai_project,
    vertex_location: given.vertex_location ?? given.vertex_ai_location,
  }
  const filled = Object.entries(said).flatMap(([name, value]) =>
    typeof value === 'string' ? [[name, value]] : [],
  )
  return Object.fromEntries(filled)
}

/** The surroundings in which a credential's own place stands before the worker's variables. */
export function withPlace(row: CatalogProvider, place: Place, around: UrlSurroundings): UrlSurroundings {
  const own = new Map<string, string>()
  for (const [field, value] of Object.entries(place)) {
    const name = field === 'api_base' ? baseUrlVariable(row) : VARIABLES[field]
    if (name !== undefined) own.set(name, value)
  }
  return { ...around, variable: (name) => own.get(name) ?? around.variable(name) }
}

/** A field that a built-in provider's URLs have no place for, so that it would be without effect. */
export function strayField(row: CatalogProvider, place: Place): FieldProblem | undefined {
  const field = Object.keys(place).find((one) => one !== 'api_base' && !takes(row, one))
  return field === undefined ? undefined : { field, problem: `is not a field of the provider '${row.id}'` }
}

/** The fields that tell the place of a built-in provider that has no one host. */
export function placeFields(row: CatalogProvider): string[] {
  const own = Object.keys(VARIABLES).filter((field) => takes(row, field))
  return row.endpoints.every(({ baseUrl }) => /^https?:\/\/[^{/]+(?:\/|$)/.test(baseUrl))
    ? own
    : ['api_base', ...own]
}

/** A place with the project that a service account belongs to, where none is named and one is wanted. */
export function withProject(row: CatalogProvider, place: Place, projectId: string | undefined): Place {
  if (projectId === undefined || !takes(row, 'vertex_project')) return place
  return { vertex_project: projectId, ...place }
}

/**
 * The URLs of all endpoints that can be addressed from here.
 * @throws SluiceError `provider_not_configured` when none can
 */
export function endpointUrls(row: CatalogProvider, around: UrlSurroundings): string[] {
  const problems: SluiceError[] = []
  const urls = row.endpoints.flatMap((endpoint) => {
    try {
      return [endpointUrl(row, endpoint, around)]
    } catch (cause) {
      if (!(cause instanceof SluiceError)) throw cause
      problems.push(cause)
      return []
    }
  })
  const [first] = problems
  if (urls.length === 0 && first !== undefined) throw first
  return urls
}

function takes({ endpoints }: CatalogProvider, field: string): boolean {
  const name = VARIABLES[field]
  return name !== undefined && endpoints.some(({ baseUrl }) => baseUrl.includes(`{${name}}`))
}
