import { SluiceError } from '../../platform/failure'

/** What is asked of logs: a tree of conditions. */
export type Filter =
  | { kind: 'all' | 'any'; parts: readonly Filter[] }
  | { kind: 'condition'; target: Target; operator: string; values: readonly unknown[] }

/** What a condition is about: a field by name, a key of `metadata` or `properties`, or the texts of the bodies. */
export type Target =
  | { kind: 'field'; name: string }
  | { kind: 'metadata'; key: string }
  | { kind: 'properties'; key: string }
  | { kind: 'text'; side: 'input' | 'output' | 'both' }

/** The refusal of a filter: 400, with what was wrong and what would be right. */
export function badFilter(param: string, message: string): SluiceError {
  return new SluiceError({ kind: 'invalid_request', code: 'invalid_filter', param, message })
}
