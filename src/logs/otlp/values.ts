import { fieldsOf, listOf } from '../../protocols/fields'

/** A value of an attribute, as OTLP's JSON has it. */
export type AnyValue =
  | { stringValue: string }
  | { boolValue: boolean }
  | { intValue: string }
  | { doubleValue: number }
  | { arrayValue: { values: AnyValue[] } }

/** One attribute. */
export interface KeyValue {
  key: string
  value: AnyValue
}

/** What an attribute can be made of. */
export type AttributeValue = string | number | boolean | readonly string[] | undefined

/** Attributes of those values that are there; whole numbers are integers. */
export function attributesOf(values: Readonly<Record<string, AttributeValue>>): KeyValue[] {
  return Object.entries(values).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value: anyValueOf(value) }],
  )
}

/** Attributes as plain values by key; 64-bit integers become numbers. */
export function valuesOf(attributes: unknown): Record<string, unknown> {
  return Object.fromEntries(
    listOf(attributes)
      .map(fieldsOf)
      .flatMap(({ key, value }) => (typeof key === 'string' ? [[key, plainOf(value)] as const] : [])),
  )
}

function anyValueOf(value: string | number | boolean | readonly string[]): AnyValue {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  if (typeof value === 'number')
    return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value }
  return { arrayValue: { values: value.map((each) => ({ stringValue: each })) } }
}

function plainOf(value: unknown): unknown {
  const given = fieldsOf(value)
  if (given.intValue !== undefined) return Number(given.intValue)
  if (given.doubleValue !== undefined) return Number(given.doubleValue)
  if (given.arrayValue !== undefined) return listOf(fieldsOf(given.arrayValue).values).map(plainOf)
  if (given.kvlistValue !== undefined) return valuesOf(fieldsOf(given.kvlistValue).values)
  return given.stringValue ?? given.boolValue ?? given.bytesValue ?? null
}
