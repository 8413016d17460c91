import { SluiceError } from '../platform/failure'
import type { Brought } from '../providers/brought'
import type { Reason } from '../providers/target'
import { nearest } from './nearest'
import type { BalancedEntry, RoutingParameters } from './parameters'
import type { RoutingSources, StoredCredential, StoredGroupModel } from './sources'

/** A model that a rule of the plan names, before anybody knows where it is. */
export interface Candidate {
  name: string
  /** The parameter that names it, for errors. */
  param: string
  reason: Reason
  weight: number
  brought?: Brought
  stored?: StoredCredential
}

/** Who may answer first: one of these is drawn. */
export interface FirstCandidates {
  candidates: readonly Candidate[]
  /** The parameters that take models away from them apply. */
  isRouter?: true
}

/**
 * The models among which the first is drawn (compatibility document, D1): `load_balance_models` and a group's inline
 * models go before `model`, `model` before a stored group, and the router's list counts when nothing else is given.
 * @throws SluiceError naming the parameter
 */
export function firstCandidates(
  model: string | undefined,
  parameters: RoutingParameters,
  { groups }: RoutingSources,
): FirstCandidates {
  const { load_balance_group: group, models } = parameters
  const stored =
    group === undefined || group === null ? undefined : storedGroup(group.group_id, group, groups)
  const balanced = parameters.load_balance_models ?? parameters.loadbalance_models
  if (balanced !== undefined && balanced !== null) {
    const param = parameters.load_balance_models === balanced ? 'load_balance_models' : 'loadbalance_models'
    return { candidates: balanced.map((entry, index) => ofEntry(entry, `${param}.${index}`)) }
  }
  if (group?.models !== undefined && group.models !== null) {
    const param = 'load_balance_group.models'
    return { candidates: group.models.map((entry, index) => ofEntry(entry, `${param}.${index}`)) }
  }
  if (model !== undefined && model !== '')
    return { candidates: [{ name: model, param: 'model', reason: 'requested', weight: 1 }] }
  if (stored !== undefined) return { candidates: stored.map(ofStored) }
  if (models === undefined || models === null) throw missingModel()
  const listed = models.map((one, index) => ofListed(one, `models.${index}`))
  const [only] = listed
  return listed.length === 1 && only !== undefined
    ? { candidates: [{ ...only, reason: 'requested' }] }
    : { candidates: listed, isRouter: true }
}

/** The request's own fallbacks: its list, and behind it the router's when `model` turns that off; undefined for none. */
export function requestedFallbacks(
  model: string | undefined,
  { fallback_models: names, models }: RoutingParameters,
): Candidate[] | undefined {
  const reason = 'fallback:request'
  const own = names?.map((name) => ({ name, param: 'fallback_models', reason, weight: 1 }) as const)
  const listed =
    model === undefined || model === ''
      ? undefined
      : models?.map((one, index) => ({ ...ofListed(one, `models.${index}`), reason }) as const)
  return own === undefined && listed === undefined ? undefined : [...(own ?? []), ...(listed ?? [])]
}

function ofEntry({ model: name, weight, credentials }: BalancedEntry, at: string): Candidate {
  const brought: Brought | undefined =
    credentials === undefined || credentials === null
      ? undefined
      : { from: 'load_balance', at: `${at}.credentials`, fields: credentials }
  return {
    name,
    param: `${at}.model`,
    reason: 'load_balance',
    weight,
    ...(brought === undefined ? {} : { brought }),
  }
}

function ofListed(one: string | BalancedEntry, at: string): Candidate {
  if (typeof one === 'string') return { name: one, param: at, reason: 'router', weight: 1 }
  return { ...ofEntry(one, at), reason: 'router' }
}

function ofStored({ model: name, weight, credentials }: StoredGroupModel): Candidate {
  const stored = credentials === undefined ? {} : { stored: credentials }
  return { name, param: 'load_balance_group', reason: 'load_balance', weight, ...stored }
}

// A group whose models the request tells need not be stored.
function storedGroup(
  id: string,
  { models }: NonNullable<RoutingParameters['load_balance_group']>,
  groups: RoutingSources['groups'],
): readonly StoredGroupModel[] | undefined {
  if (models !== undefined && models !== null) return undefined
  const found = groups?.get(id)
  if (found !== undefined) return found.models
  const near = nearest(id, [...(groups?.keys() ?? [])])
  const hint = near.length === 0 ? '' : ` Did you mean ${near.map((one) => `'${one}'`).join(', ')}?`
  throw new SluiceError({
    kind: 'not_found',
    code: 'load_balance_group_not_found',
    param: 'load_balance_group.group_id',
    message: `There is no load balance group '${id}'.${hint}`,
  })
}

function missingModel(): SluiceError {
  return new SluiceError({
    kind: 'invalid_request',
    param: 'model',
    code: 'missing_required_parameter',
    message: "Missing required parameter: 'model'.",
  })
}
