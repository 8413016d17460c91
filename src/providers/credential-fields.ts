import { fieldsOf, isObject, jsonOf, textOf } from '../protocols/fields'

/** A Google service account, from the JSON of one of its keys. */
export interface ServiceAccount {
  clientEmail: string
  /** PEM, PKCS #8. */
  privateKey: string
  privateKeyId?: string
  /** Where a signed assertion is exchanged for an access token. */
  tokenUri: string
  projectId?: string
}

/** AWS access keys; the session token is there for temporary ones. */
export interface AwsKeys {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
}

/** What a stored credential says. */
export interface CredentialFields {
  apiKey?: string
  aws?: AwsKeys
  awsRegion?: string
  account?: ServiceAccount
}

const TOKEN_URI = 'https://oauth2.googleapis.com/token'
const MAX_READ = 1_000
const read = new Map<string, CredentialFields>()

/**
 * The fields of a credential. Text that does not begin with `{` is an API key. An object has the names that other gateways
 * use: `{"api_key"}`, `{"aws_access_key_id", "aws_secret_access_key", "aws_session_token"?, "aws_region_name"?}`,
 * `{"vertex_credentials"}` (also `vertex_ai_credentials`: a service account's JSON as an object or as text), or it is a
 * service account's JSON itself. Read once for each text, so that the same account is the same object.
 */
export function credentialFields(text: string): CredentialFields {
  const known = read.get(text)
  if (known !== undefined) return known
  const fields = text.trimStart().startsWith('{') ? fieldsIn(jsonOf(text)) : plain(text)
  if (read.size >= MAX_READ) read.clear()
  read.set(text, fields)
  return fields
}

function plain(text: string): CredentialFields {
  return text === '' ? {} : { apiKey: text }
}

// Broken JSON is nothing: as an API key it would be sent whole, with the private key that it may hold.
function fieldsIn(given: unknown): CredentialFields {
  const value = fieldsOf(given)
  const apiKey = textOf(value['api_key'])
  const aws = awsKeys(value)
  const awsRegion = textOf(value['aws_region_name'])
  const account = serviceAccount(value['vertex_credentials'] ?? value['vertex_ai_credentials'] ?? value)
  return {
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(aws === undefined ? {} : { aws }),
    ...(awsRegion === undefined ? {} : { awsRegion }),
    ...(account === undefined ? {} : { account }),
  }
}

function awsKeys(value: Record<string, unknown>): AwsKeys | undefined {
  const accessKeyId = textOf(value['aws_access_key_id'])
  const secretAccessKey = textOf(value['aws_secret_access_key'])
  const sessionToken = textOf(value['aws_session_token'])
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) }
}

function serviceAccount(given: unknown): ServiceAccount | undefined {
  const value = typeof given === 'string' ? jsonOf(given) : given
  if (!isObject(value)) return undefined
  const clientEmail = textOf(value['client_email'])
  const privateKey = textOf(value['private_key'])
  if (clientEmail === undefined || privateKey === undefined) return undefined
  const privateKeyId = textOf(value['private_key_id'])
  const projectId = textOf(value['project_id'])
  return {
    clientEmail,
    // A key that went through a shell or an environment file often has its line breaks escaped once more.
    privateKey: privateKey.replaceAll('\\n', '\n'),
    tokenUri: textOf(value['token_uri']) ?? TOKEN_URI,
    ...(privateKeyId === undefined ? {} : { privateKeyId }),
    ...(projectId === undefined ? {} : { projectId }),
  }
}
