import * as z from 'zod/mini'
import { CACHE_OPTIONS, cacheShape } from '../cache/policy'
import { CUSTOMER_NAMES, customerParamsSchema, identifier, spanName } from '../limits/customer-parameters'
import { fromBase64 } from '../platform/base64'
import { SluiceError } from '../platform/failure'
import { type Member, valueOf } from '../platform/json-scan'
import { CONTAINERS, HEADERS, NAMES } from '../platform/parameter-names'
import '../platform/schema-messages'
import { LONGEST_TIMEOUT } from '../platform/settings'
import { promptShape } from '../prompts/prompt-call'
import type { OwnFields } from '../protocols/protocol'
import { BROUGHT_FIELDS } from '../providers/brought'
import { reservedHeader } from '../providers/call-headers'
import { routingShape } from '../routing/parameters'
import { notAnObject, readMetadata } from './parameter-metadata'

const fields = z.record(z.string(), z.unknown())

const parametersSchema = z.object({
  ...routingShape,
  ...promptShape,
  ...cacheShape,
  disable_log: z.nullish(z.boolean()),
  request_breakdown: z.nullish(z.boolean()),
  customer_identifier: z.nullish(identifier),
  customer_email: z.nullish(z.string()),
  customer_name: z.nullish(z.string()),
  customer_params: z.nullish(customerParamsSchema),
  thread_identifier: z.nullish(identifier),
  custom_identifier: z.nullish(identifier),
  group_identifier: z.nullish(identifier),
  trace_unique_id: z.nullish(identifier),
  trace_name: z.nullish(spanName),
  trace_group_identifier: z.nullish(identifier),
  session_identifier: z.nullish(identifier),
  span_unique_id: z.nullish(identifier),
  span_name: z.nullish(spanName),
  span_parent_id: z.nullish(identifier),
  span_path: z.nullish(z.string()),
  span_workflow_name: z.nullish(spanName),
  span_handoffs: z.nullish(z.array(z.unknown())),
  span_tools: z.nullish(z.array(z.unknown())),
  metadata: z.nullish(fields),
  properties: z.nullish(fields),
  note: z.nullish(z.string()),
  category: z.nullish(z.string()),
  positive_feedback: z.nullish(z.boolean()),
  timeout: z.nullish(z.number().check(z.positive(), z.lte(LONGEST_TIMEOUT))),
  require_parameters: z.nullish(z.boolean()),
  extra_headers: z.nullish(
    z.record(z.string(), z.string()).check(({ value, issues }) => {
      const reserved = reservedHeader(value)
      const message = `the header '${reserved}' may not be set upstream`
      if (reserved !== undefined) issues.push({ code: 'custom', input: value, message })
    }),
  ),
})

/** Gateway parameters, validated. */
export type GatewayParameters = z.infer<typeof parametersSchema>

/** The parameters of a request, wherever they were put, and what this release does not act on. */
export interface ReadParameters {
  parameters: GatewayParameters
  /** Body fields that must not travel upstream. */
  bodyNames: ReadonlySet<string>
  /** Body fields that travel without what was in them for the gateway: JSON text by name. */
  bodyReplacements: ReadonlyMap<string, string>
  /** Parameters that were given and have no effect. */
  ignored: string[]
  /** Where a parameter was given, in words. */
  wayOf(name: string): string | undefined
}

/** The end user whom a request is for, in either of the places that name one. */
export function customerOf({
  customer_identifier: own,
  customer_params: given,
}: GatewayParameters): string | undefined {
  return own ?? given?.customer_identifier ?? undefined
}

const NONE: ReadParameters = {
  parameters: {},
  bodyNames: new Set(),
  bodyReplacements: new Map(),
  ignored: [],
  wayOf: () => undefined,
}

/** The end user as a header. */
const CUSTOMER = 'x-respan-customer-identifier'
/** Another gateway's header for `disable_fallback`. */
const NO_FALLBACK = 'x-no-fallback'

/**
 * Reads gateway parameters; the body's top level wins over a container in it, and that over a header. A protocol's own
 * fields are left alone, whatever they are called.
 * @throws SluiceError `invalid_request` naming the parameter and where it was given
 */
export function readParameters(
  bytes: Uint8Array,
  members: readonly Member[],
  { headers, own }: { headers: Headers; own: OwnFields },
): ReadParameters {
  const bodyNames = new Set(
    members.filter((member) => isForGateway(member, { members, bytes, own })).map(({ key }) => key),
  )
  const metadata = readMetadata(bytes, members, own)
  const fromHeaders = [
    readCustomer(headers.get(CUSTOMER)),
    readNoFallback(headers.get(NO_FALLBACK)),
    ...HEADERS.map((name) => readHeader(name, headers.get(name))).reverse(),
  ]
  const isAbsent =
    bodyNames.size === 0 && metadata === undefined && fromHeaders.every((given) => given === undefined)
  if (isAbsent) return NONE
  const containers = CONTAINERS.map((name) => readContainer(name, bytes, members)).reverse()
  const ownMembers = members
    .filter(({ key }) => NAMES.has(key) && bodyNames.has(key))
    .map((member) => [member.key, valueOf(bytes, member)])
  // The weakest first.
  const ways: Way[] = [
    ...fromHeaders.map((one, index) => ({ way: WAYS[index] ?? 'a header', given: one })),
    ...(metadata?.given ?? []).map((one) => ({ way: "'metadata' in the body", given: one })),
    ...containers.map((one, index) => ({
      way: `'${CONTAINERS.at(-1 - index) ?? ''}' in the body`,
      given: one,
    })),
    { way: 'the body', given: Object.fromEntries(ownMembers) },
  ]
  const given = Object.assign({}, ...ways.map((one) => one.given))
  const wayOf = (name: string) => {
    const [own = ''] = name.split('.')
    return ways.findLast((one) => one.given !== undefined && Object.hasOwn(one.given, own))?.way
  }
  if (metadata?.isRemoved === true) bodyNames.add('metadata')
  return {
    parameters: validated(given, wayOf),
    bodyNames,
    bodyReplacements: metadata?.replacement ?? NONE.bodyReplacements,
    ignored: ignoredOf(given),
    wayOf,
  }
}

interface Way {
  way: string
  given: object | undefined
}

const WAYS = [CUSTOMER, NO_FALLBACK, ...[...HEADERS].reverse()].map((name) => `the header ${name}`)

function isForGateway(
  member: Member,
  { members, bytes, own }: { members: readonly Member[]; bytes: Uint8Array; own: OwnFields },
): boolean {
  if (CONTAINERS.includes(member.key)) return true
  if (!NAMES.has(member.key)) return false
  if (own.fields.has(member.key)) return isOursDespite(member, bytes)
  if (member.key !== 'metadata') return true
  if (own.metadata !== undefined) return false
  const store = members.find(({ key }) => key === 'store')
  return store === undefined || valueOf(bytes, store) !== true
}

// A protocol may have a `prompt` of its own; the gateway's is the object that names a stored prompt by `prompt_id`.
function isOursDespite(member: Member, bytes: Uint8Array): boolean {
  return (
    member.key === 'prompt' &&
    member.kind === 'object' &&
    Object.hasOwn(Object(valueOf(bytes, member)), 'prompt_id')
  )
}

// A budget with a duration goes by the calendar.
function unusedDates(customer: unknown): string[] {
  const { budget_duration: duration, ...given } = Object(customer)
  if (typeof duration !== 'string') return []
  return ['period_start', 'period_end'].flatMap((name) =>
    typeof given[name] === 'string' ? [`customer_params.${name}`] : [],
  )
}

function ignoredOf(given: Record<string, unknown>): string[] {
  const customer = Object.keys(Object(given.customer_params)).filter((name) => !CUSTOMER_NAMES.has(name))
  const options = Object.keys(Object(given.cache_options)).filter((name) => !CACHE_OPTIONS.has(name))
  const own = Object.keys(given).filter((name) => !Object.hasOwn(parametersSchema.shape, name))
  return [
    ...own,
    ...customer.map((name) => `customer_params.${name}`),
    ...unusedDates(given.customer_params),
    ...options.map((name) => `cache_options.${name}`),
    ...unknownCredentialFields(given),
  ]
}

const CREDENTIALS = [
  ...['credential_override', 'customer_credentials', 'load_balance_group', 'models'],
  ...['load_balance_models', 'loadbalance_models'],
]

// A field of a credential that nobody here knows; it is not sent.
function unknownCredentialFields(given: Record<string, unknown>): string[] {
  return CREDENTIALS.flatMap((name) => (given[name] === undefined ? [] : unknownBelow(given[name], name)))
}

function unknownBelow(value: unknown, path: string): string[] {
  if (typeof value !== 'object' || value === null) return []
  const isCredential = ['api_key', 'aws_access_key_id', 'vertex_credentials', 'vertex_ai_credentials'].some(
    (name) => Object.hasOwn(value, name),
  )
  return Object.entries(value).flatMap(([name, below]) => {
    if (!isCredential) return unknownBelow(below, `${path}.${name}`)
    return BROUGHT_FIELDS.has(name) ? [] : [`${path}.${name}`]
  })
}

/** A fault of a union is the fault in the shape that the value was meant to have: the one that is told deepest. */
function deepest(issue: z.core.$ZodIssue): { path: PropertyKey[]; message: string } {
  if (issue.code !== 'invalid_union') return issue
  const inner = issue.errors
    .flatMap(([first]) => (first === undefined ? [] : [deepest(first)]))
    .reduce<{ path: PropertyKey[]; message: string }>(
      (best, one) => (one.path.length > best.path.length ? one : best),
      { path: [], message: 'it has none of the shapes that this parameter may have' },
    )
  return { path: [...issue.path, ...inner.path], message: inner.message }
}

const SCHEMAS: ReadonlyMap<string, z.ZodMiniType> = new Map(Object.entries(parametersSchema.shape))

// One by one, and only what was given: a request has a few of the fifty, and looking at the others costs as much.
function validated(
  given: Readonly<Record<string, unknown>>,
  wayOf: ReadParameters['wayOf'],
): GatewayParameters {
  const parameters: GatewayParameters = {}
  for (const [name, value] of Object.entries(given)) {
    const parsed = SCHEMAS.get(name)?.safeParse(value)
    if (parsed?.success === true) Object.assign(parameters, { [name]: parsed.data })
    else if (parsed !== undefined) throw wrongParameter(name, parsed.error, wayOf)
  }
  return parameters
}

function wrongParameter(name: string, error: z.core.$ZodError, wayOf: ReadParameters['wayOf']): SluiceError {
  const [first] = error.issues
  const issue = first === undefined ? undefined : deepest(first)
  const param = [name, ...(issue?.path ?? [])].map(String).join('.')
  return new SluiceError({
    kind: 'invalid_request',
    code: 'invalid_parameter',
    param,
    message: `Invalid gateway parameter '${param}' in ${wayOf(param) ?? 'the request'}: ${issue?.message ?? 'not valid'}.`,
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

function readCustomer(text: string | null): object | undefined {
  const identifier = text?.trim() ?? ''
  return identifier === '' ? undefined : { customer_identifier: identifier }
}

function readNoFallback(text: string | null): object | undefined {
  const value = text?.trim().toLowerCase()
  if (value === undefined || value === '' || value === 'false' || value === '0') return undefined
  if (value === 'true' || value === '1') return { disable_fallback: true }
  throw new SluiceError({
    kind: 'invalid_request',
    code: 'invalid_parameter',
    param: NO_FALLBACK,
    message: `The header ${NO_FALLBACK} must be 'true' or 'false'.`,
  })
}

function decodeHeader(text: string): unknown {
  try {
    if (text.startsWith('{')) return JSON.parse(text)
    return JSON.parse(new TextDecoder().decode(fromBase64(text)))
  } catch {
    return undefined
  }
}
