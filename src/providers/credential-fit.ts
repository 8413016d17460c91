import type { CatalogProvider } from './catalog-row'
import { type CredentialFields, credentialFields } from './credential-fields'
import { type FieldProblem, placeFields } from './credential-place'
import { credentialText, type GivenCredential } from './stored-credential'
import type { Auth } from './target'

/** A credential as it is given: an API key, or the fields of a cloud. */
export interface GivenKey extends GivenCredential {
  api_key?: string | null | undefined
}

interface Fit {
  isEnough(fields: CredentialFields): boolean
  missing: FieldProblem
}

const API_KEY: Fit = {
  isEnough: ({ apiKey }) => apiKey !== undefined,
  missing: { field: 'api_key', problem: 'is required' },
}

const fits: Readonly<Record<Exclude<Auth['kind'], 'none'>, Fit>> = {
  bearer: API_KEY,
  header: API_KEY,
  aws: {
    isEnough: ({ aws, apiKey }) => aws !== undefined || apiKey !== undefined,
    missing: {
      field: 'aws_access_key_id',
      problem: 'is required together with aws_secret_access_key, unless there is an api_key',
    },
  },
  google: {
    isEnough: ({ account, apiKey }) => account !== undefined || apiKey !== undefined,
    missing: {
      field: 'vertex_credentials',
      problem: "is required: the JSON of a service account's key, with client_email and private_key",
    },
  },
}

/** The fields that only one kind of authorization reads. */
const readBy: readonly { kind: Auth['kind']; names: readonly (keyof GivenCredential)[] }[] = [
  { kind: 'aws', names: ['aws_access_key_id', 'aws_secret_access_key', 'aws_session_token'] },
  { kind: 'google', names: ['vertex_credentials', 'vertex_ai_credentials'] },
]

/** What each kind needs at least. */
const SECRET_FIELDS: Readonly<Record<Auth['kind'], readonly string[]>> = {
  none: [],
  bearer: ['api_key'],
  header: ['api_key'],
  aws: ['aws_access_key_id', 'aws_secret_access_key'],
  google: ['vertex_credentials'],
}

/** Why a credential could not authorize calls that want one of these; undefined when it could. */
export function misfit(auths: readonly Auth[], given: GivenKey): FieldProblem | undefined {
  const wanted = auths.flatMap(({ kind }) => (kind === 'none' ? [] : [kind]))
  const [first] = wanted
  if (first === undefined)
    return { field: 'api_key', problem: 'is not for this provider, which takes no key' }
  const stray = readBy
    .filter(({ kind }) => !wanted.some((one) => one === kind))
    .flatMap(({ names }) => names)
    .find((name) => given[name] !== undefined && given[name] !== null)
  if (stray !== undefined) return { field: stray, problem: 'is not a field of this provider' }
  const text = credentialText(given.api_key, given)
  const fields = text === undefined || text === null ? {} : credentialFields(text)
  return wanted.some((kind) => fits[kind].isEnough(fields)) ? undefined : fits[first].missing
}

/** The fields that a credential of a built-in provider may have, by the names that `GivenKey` has for them. */
export function credentialFieldNames(row: CatalogProvider): string[] {
  const kinds = new Set(row.endpoints.map(({ auth }) => auth.kind))
  const secrets = [...kinds].flatMap((kind) => SECRET_FIELDS[kind])
  return secrets.length === 0 ? [] : [...new Set([...secrets, ...placeFields(row)])]
}
