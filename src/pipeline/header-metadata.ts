import { isObject, jsonOf } from '../protocols/fields'

const GATEWAY = 'x-gateway-'
const OTHER = 'x-llmgateway-'
const WHOLE = 'metadata'
const MAX_KEYS = 50
const MAX_VALUE = 1_000

/** Names that another gateway keeps for what it knows itself. */
const RESERVED: ReadonlySet<string> = new Set([
  ...['organization_id', 'workspace_id', 'workspace_handle', 'user_id', 'user_email', 'api_key_id'],
  ...['api_key_short', 'auth_mode', 'user_agent', 'applied_policy_ids', 'applied_policy_names'],
])

/**
 * Metadata that came as headers: `X-Gateway-{name}` (lower case, anything but letters, digits and `_` as `_`),
 * `X-LLMGateway-{name}` (lower case) and `X-Gateway-Metadata`, a JSON object. Reserved names are left out. Undefined when
 * there is none.
 */
export function headerMetadata(headers: Headers): Record<string, unknown> | undefined {
  let found: [string, unknown][] | undefined
  // Names alone cost far less than names with values, and hardly any request has such a name.
  for (const name of headers.keys()) {
    if (name.startsWith(GATEWAY))
      found = [...(found ?? []), ...ofGateway(name.slice(GATEWAY.length), headers.get(name) ?? '')]
    else if (name.startsWith(OTHER))
      found = [...(found ?? []), [name.slice(OTHER.length), (headers.get(name) ?? '').slice(0, MAX_VALUE)]]
  }
  const kept = found?.filter(([key]) => key !== '' && !RESERVED.has(key) && !key.startsWith('gateway'))
  return kept === undefined || kept.length === 0 ? undefined : Object.fromEntries(kept.slice(0, MAX_KEYS))
}

function ofGateway(name: string, value: string): [string, unknown][] {
  if (name !== WHOLE) return [[name.replaceAll(/[^a-z0-9_]/g, '_'), value.slice(0, MAX_VALUE)]]
  const given = jsonOf(value)
  return isObject(given) ? Object.entries(given) : []
}
