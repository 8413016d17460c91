import * as z from 'zod'
import { fromBase64 } from '../platform/base64'
import { SluiceError } from '../platform/failure'
import { type Member, valueOf } from '../platform/json-scan'

/**
 * The fields of a request body that speak to the gateway and never travel upstream (compatibility document, A5).
 * `metadata` is OpenAI's own too, but only beside `store: true` (OpenAI API reference, "metadata").
 */
const NAMES: ReadonlySet<string> = new Set([
  ...[
    'fallback_models',
    'disable_fallback',
    'load_balance_group',
    'load_balance_models',
    'loadbalance_models',
  ],
  ...['models', 'exclude_providers', 'exclude_models', 'retry_params', 'retries', 'weight', 'model_name_map'],
  ...['credential_override', 'customer_credentials', 'customer_api_keys', 'mock_response'],
  ...[
    'cache_enabled',
    'cache_ttl',
    'cache_options',
    'request_breakdown',
    'disable_log',
    'field_name',
    'delimiter',
  ],
  ...['customer_identifier', 'customer_email', 'customer_name', 'customer_params', 'metadata', 'properties'],
  ...[
    'custom_identifier',
    'thread_identifier',
    'group_identifier',
    'session_identifier',
    'trace_group_identifier',
  ],
  ...['trace_unique_id', 'trace_name', 'span_unique_id', 'span_name', 'span_parent_id', 'span_path'],
  ...[
    'span_workflow_name',
    'span_handoffs',
    'span_tools',
    'positive_feedback',
    'note',
    'category',
    'eval_params',
  ],
  ...[
    'posthog_integration',
    'mem0_params',
    'linkup_params',
    'hyperspell_params',
    'moda_params',
    'respan_api_controls',
  ],
  ...['prompt', 'prompt_id', 'prompt_variables', 'variables', 'timeout', 'extra_headers'],
])

/** Objects in a body that hold gateway parameters by the same names. */
const CONTAINERS = ['respan_params', 'keywordsai_params']

/** The same, base64 or plain JSON, as request headers. */
const HEADERS = ['x-data-respan-params', 'x-respan-params', 'x-data-keywordsai-params']

/** Fields that hold credentials: they are cut out of the logged request. */
export const SECRET_NAMES: ReadonlySet<string> = new Set([
  ...[
    'credential_override',
    'customer_credentials',
    'customer_api_keys',
    'load_balance_models',
    'loadbalance_models',
  ],
  ...['load_balance_group', 'models', 'extra_headers', 'posthog_integration', 'mem0_params', 'linkup_params'],
  ...['hyperspell_params', 'moda_params', ...CONTAINERS],
])

const MAX_IDENTIFIER_LENGTH = 254
const identifier = z
  .union([z.string(), z.number()])
  .transform((value) => String(value).slice(0, MAX_IDENTIFIER_LENGTH))
const fields = z.record(z.string(), z.unknown())

const parametersSchema = z.object({
  fallback_models: z.array(z.string().min(1)).nullish(),
  disable_fallback: z.boolean().nullish(),
  disable_log: z.boolean().nullish(),
  customer_identifier: identifier.nullish(),
  customer_email: z.string().nullish(),
  customer_name: z.string().nullish(),
  customer_params: z
    .looseObject({
      customer_identifier: identifier.nullish(),
      name: z.string().nullish(),
      email: z.string().nullish(),
    })
    .nullish(),
  thread_identifier: identifier.nullish(),
  custom_identifier: identifier.nullish(),
  group_identifier: identifier.nullish(),
  metadata: fields.nullish(),
  properties: fields.nullish(),
  note: z.string().nullish(),
  category: z.string().nullish(),
  positive_feedback: z.boolean().nullish(),
  timeout: z.number().positive().nullish(),
})

const CUSTOMER_NAMES: ReadonlySet<string> = new Set(['customer_identifier', 'name', 'email'])

/** Gateway parameters, validated. */
export type GatewayParameters = z.infer<typeof parametersSchema>

/** The parameters of a request, wherever they were put, and what this release does not act on. */
export interface ReadParameters {
  parameters: GatewayParameters
  /** Body fields that must not travel upstream. */
  bodyNames: ReadonlySet<string>
  /** Parameters that were given and have no effect. */
  ignored: string[]
}

/** The end user whom a request is for, in either of the places that name one. */
export function customerOf({
  customer_identifier: own,
  customer_params: given,
}: GatewayParameters): string | undefined {
  return own ?? given?.customer_identifier ?? undefined
}

const NONE: ReadParameters = { parameters: {}, bodyNames: new Set(), ignored: [] }

/**
 * Reads gateway parameters; the body's top level wins over a container in it, and that over a header.
 * @throws SluiceError `invalid_request` naming the parameter and where it was given
 */
export function readParameters(
  bytes: Uint8Array,
  members: readonly Member[],
  headers: Headers,
): ReadParameters {
  const bodyNames = new Set(
    members.filter((member) => isForGateway(member, members, bytes)).map(({ key }) => key),
  )
  const fromHeaders = HEADERS.map((name) => readHeader(name, headers.get(name))).reverse()
  const isAbsent = bodyNames.size === 0 && fromHeaders.every((given) => given === undefined)
  if (isAbsent) return NONE
  const containers = CONTAINERS.map((name) => readContainer(name, bytes, members)).reverse()
  const own = members
    .filter(({ key }) => NAMES.has(key) && bodyNames.has(key))
    .map((member) => [member.key, valueOf(bytes, member)])
  const given = Object.assign({}, ...fromHeaders, ...containers, Object.fromEntries(own))
  return { parameters: validated(given), bodyNames, ignored: ignoredOf(given) }
}

function isForGateway(member: Member, members: readonly Member[], bytes: Uint8Array): boolean {
  if (member.key !== 'metadata') return NAMES.has(member.key) || CONTAINERS.includes(member.key)
  const store = members.find(({ key }) => key === 'store')
  return store === undefined || valueOf(bytes, store) !== true
}

function ignoredOf(given: Record<string, unknown>): string[] {
  const customer = Object.keys(Object(given.customer_params)).filter((name) => !CUSTOMER_NAMES.has(name))
  const own = Object.keys(given).filter((name) => !Object.hasOwn(parametersSchema.shape, name))
  return [...own, ...customer.map((name) => `customer_params.${name}`)]
}

function validated(given: unknown): GatewayParameters {
  const parsed = parametersSchema.safeParse(given)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const param = issue?.path.join('.') ?? ''
  throw new SluiceError({
    kind: 'invalid_request',
    code: 'invalid_parameter',
    param,
    message: `Invalid gateway parameter '${param}': ${issue?.message ?? 'not valid'}.`,
  })
}

function readContainer(name: string, bytes: Uint8Array, members: readonly Member[]): object | undefined {
  const member = members.find(({ key }) => key === name)
  if (member === undefined || member.kind === 'null') return undefined
  if (member.kind === 'object') return Object(valueOf(bytes, member))
  throw notAnObject(`'${name}' in the body`, name)
}

function readHeader(name: string, text: string | null): object | undefined {
  if (text === null || text.trim() === '') return undefined
  const value = decodeHeader(text.trim())
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  throw notAnObject(`the header ${name} (base64 of a JSON object, or the object itself)`, name)
}

function decodeHeader(text: string): unknown {
  try {
    if (text.startsWith('{')) return JSON.parse(text)
    return JSON.parse(new TextDecoder().decode(fromBase64(text)))
  } catch {
    return undefined
  }
}

function notAnObject(where: string, param: string): SluiceError {
  return new SluiceError({
    kind: 'invalid_request',
    code: 'invalid_parameter',
    param,
    message: `${where} must be a JSON object.`,
  })
}
