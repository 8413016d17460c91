import { SluiceError } from '../platform/failure'
import type { WireProtocolId } from '../protocols/protocol'
import { endpointUrl, movedTo, type UrlSurroundings } from './base-url'
import { endpointFor } from './catalog'
import type { CatalogProvider } from './catalog-row'
import { traitsOf } from './model-traits'
import type { Credential, Target } from './target'

/**
 * The target of a built-in provider's model, asked in the wanted protocol where the provider speaks it.
 * @throws SluiceError for a provider on this machine where those are not allowed, or naming a variable that is not set
 */
export function catalogTarget(
  row: CatalogProvider,
  upstreamModel: string,
  wanted: WireProtocolId,
  around: UrlSurroundings,
): Target {
  const isMoved = around.broughtBase !== undefined || movedTo(row, around) !== undefined
  if (row.local === true && !around.mayBePrivate && !isMoved) {
    const message = 'it runs on the local machine; set ALLOW_PRIVATE_UPSTREAMS=true to allow that.'
    throw new SluiceError({ kind: 'upstream_unreachable', provider: row.id, message })
  }
  const given = { variable: around.variable, ...(upstreamModel === '' ? {} : { model: upstreamModel }) }
  const endpoint = endpointFor(row, wanted, given)
  const { protocol, auth, urlStyle, bodyEdits, headers } = endpoint
  return {
    providerId: row.id,
    model: `${row.id}/${upstreamModel}`,
    upstreamModel,
    protocol,
    traits: traitsOf(upstreamModel),
    url: endpointUrl(row, endpoint, around),
    auth,
    credential: credentialOf(row, around),
    ...(urlStyle === undefined ? {} : { urlStyle }),
    ...(bodyEdits === undefined ? {} : { bodyEdits }),
    ...(headers === undefined ? {} : { headers }),
    ...(row.pricesAs === undefined ? {} : { pricesAs: row.pricesAs }),
    ...(row.refusesStreamOptions === true ? { refusesStreamOptions: true } : {}),
  }
}

// When none is set the first is named, so that the failure tells which one to set.
function credentialOf({ secrets }: CatalogProvider, { variable }: UrlSurroundings): Credential {
  const name = secrets.find((one) => variable(one) !== undefined) ?? secrets[0]
  return name === undefined ? { kind: 'none' } : { kind: 'secret', name }
}
