import type { Config } from '../platform/config'
import type { ProviderRow, SealedCredential } from '../platform/config-schema'
import { SluiceError } from '../platform/failure'
import { isWireProtocolId } from '../protocols/table'
import { catalog, findCatalogProvider } from '../providers/catalog'
import type { CatalogProvider } from '../providers/catalog-row'
import {
  endpointUrls,
  type FieldProblem,
  type Place,
  strayField,
  withPlace,
  withProject,
} from '../providers/credential-place'
import { customAuth } from '../providers/custom-auth'
import type { Auth, Credential, Target } from '../providers/target'
import { problemWithBaseUrl, upstreamBase } from '../providers/upstream-url'
import { nearest } from './nearest'
import { type Surroundings, sealContext } from './resolve'

/** Where a provider's credentials are sent, and how. */
export interface CredentialHome {
  /** The provider's own id, whichever of its names was given. */
  providerId: string
  /** One for each host. */
  urls: readonly string[]
  auths: readonly Auth[]
  /** The credential's own. */
  place: Place
}

/** What a credential says of where it belongs. */
export interface HomeRequest {
  /** Or an alias of one that is built in. */
  providerId: string
  place: Place
  /** Of its service account. */
  projectId?: string | undefined
}

/** The home of a credential that a provider is given, in its own place where it has one. Pure. */
export function homeOf(request: HomeRequest, around: Surroundings): CredentialHome | { wrong: FieldProblem } {
  const { providerId, place } = request
  const base = place['api_base']
  const problem = base === undefined ? undefined : problemWithBaseUrl(base, around.mayBePrivate)
  if (problem !== undefined) return { wrong: { field: 'api_base', problem } }
  const custom = around.config.providersById.get(providerId)
  if (custom !== undefined) return homeOfCustom(custom, place)
  const known = findCatalogProvider(providerId)
  if (known !== undefined) return homeOfKnown(known, request, around)
  const ids = [...around.config.providersById.keys(), ...catalog.map(({ id }) => id)]
  const near = nearest(providerId, ids).map((id) => `'${id}'`)
  const hint = near.length === 0 ? 'POST it to /api/providers/ first' : `did you mean ${near.join(', ')}?`
  return { wrong: { field: 'provider_id', problem: `there is no provider '${providerId}'; ${hint}` } }
}

/**
 * A stored credential for one target; undefined when it was sealed for another provider or host, where it does not go.
 * The target is to have its URL already, in the credential's own place.
 */
export function credentialAt({ providerId, url }: Target, stored: SealedCredential): Credential | undefined {
  if (stored.providerId !== providerId) return undefined
  const sealed = new Map(Object.entries(stored.sealedByHost)).get(new URL(url).host)
  return sealed === undefined ? undefined : { kind: 'stored', sealed, context: sealContext(providerId, url) }
}

/** What holds credentials that a provider at this base URL would no longer be sent, in words. */
export function strandedBy(config: Config, providerId: string, baseUrl: string): string[] {
  const { host } = new URL(baseUrl)
  const isStranded = (stored: SealedCredential | undefined) =>
    stored?.providerId === providerId &&
    stored.place?.['api_base'] === undefined &&
    !Object.keys(stored.sealedByHost).includes(host)
  const keys = (config.providerKeys.get(providerId) ?? []).filter(({ credential }) => isStranded(credential))
  const groups = [...config.loadBalanceGroupsById.values()].filter(({ models }) =>
    models.some(({ sealedCredentials }) => isStranded(sealedCredentials)),
  )
  return [
    ...keys.map(({ name }) => `the key '${name}' in /api/provider-keys/`),
    ...groups.map(({ groupId }) => `credentials in the load balance group '${groupId}'`),
  ]
}

function homeOfCustom(row: ProviderRow, place: Place): CredentialHome | { wrong: FieldProblem } {
  // The region of AWS keys is part of the credential itself, for hosts that do not tell it.
  const stray = Object.keys(place).find((field) => field !== 'api_base' && field !== 'aws_region_name')
  if (stray !== undefined)
    return {
      wrong: { field: stray, problem: 'is what the base_url of a stored provider says; give api_base' },
    }
  const baseUrl = place['api_base'] ?? row.baseUrl
  const auths = row.protocols
    .filter(isWireProtocolId)
    .map((protocol) => customAuth(protocol, upstreamBase(baseUrl, protocol)))
  return { providerId: row.providerId, urls: [baseUrl], auths, place }
}

function homeOfKnown(
  row: CatalogProvider,
  request: HomeRequest,
  around: Surroundings,
): CredentialHome | { wrong: FieldProblem } {
  const stray = strayField(row, request.place)
  if (stray !== undefined) return { wrong: stray }
  const place = withProject(row, request.place, request.projectId)
  try {
    const all = endpointUrls(row, withPlace(row, place, around))
    const urls = new Map(all.map((url) => [new URL(url).host, url])).values()
    return { providerId: row.id, urls: [...urls], auths: row.endpoints.map(({ auth }) => auth), place }
  } catch (cause) {
    if (!(cause instanceof SluiceError) || cause.failure.kind !== 'provider_not_configured') throw cause
    const problem = `is required, or another field that tells the place: ${cause.failure.message}`
    return { wrong: { field: 'api_base', problem } }
  }
}
