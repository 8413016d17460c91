import { CONTAINERS } from '../platform/parameter-names'
import { isObject } from '../protocols/fields'
import { routingShape } from '../routing/parameters'
import { type Form, type FormPart, fieldPath } from './multipart'

/** Fields that are told in JSON: a form has nothing but text, and a text of such a field means what JSON means. */
const JSON_FIELDS: ReadonlySet<string> = new Set([
  ...['stream', 'disable_log', 'require_parameters', 'timeout'],
  ...Object.keys(routingShape),
  ...['metadata', 'properties', 'customer_params', 'positive_feedback', 'extra_headers', ...CONTAINERS],
])
const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })

/**
 * A form as the JSON that would say the same, with a description in the place of each file: what the gateway reads,
 * and what the log keeps. The form itself is what goes on.
 */
export function formAsJson({ bytes, parts }: Form): Uint8Array {
  const fields: Record<string, unknown> = Object.create(null)
  for (const part of parts) {
    const path = fieldPath(part.name)
    put(fields, path, valueOf(bytes, part, path.findLast((key) => key !== '') ?? ''))
  }
  return new TextEncoder().encode(JSON.stringify(fields))
}

function valueOf(bytes: Uint8Array, part: FormPart, key: string): unknown {
  const { fileName, type, valueStart, valueEnd } = part
  if (fileName !== undefined) return { name: fileName, type: type ?? null, size_bytes: valueEnd - valueStart }
  const text = decoder.decode(bytes.subarray(valueStart, valueEnd))
  return JSON_FIELDS.has(key) ? parsed(text) : text
}

function parsed(text: string): unknown {
  try {
    // Python's clients write `True`.
    return JSON.parse(/^(?:true|false)$/i.test(text) ? text.toLowerCase() : text)
  } catch {
    return text
  }
}

// A name given twice is a list, as browsers have it; where one value is wanted, such as the model, it is then refused.
function put(
  fields: Record<string, unknown>,
  [key = '', ...deeper]: readonly string[],
  value: unknown,
): void {
  const known = fields[key]
  const [next] = deeper
  if (next === undefined && known === undefined) fields[key] = value
  else if (next === undefined || next === '') fields[key] = [...asList(known), value]
  else {
    const inner: Record<string, unknown> = isObject(known) ? known : Object.create(null)
    fields[key] = inner
    put(inner, deeper, value)
  }
}

function asList(known: unknown): unknown[] {
  if (known === undefined) return []
  return Array.isArray(known) ? known : [known]
}
