import type { Caller } from '../keys/authenticate'
import { type Cursor, decodeCursor } from '../logs/cursor'
import { type Clause, clauseOf, type Span } from '../logs/filters/clause'
import { badFilter, type Filter } from '../logs/filters/condition'
import { SORTS } from '../logs/filters/fields'
import { conditionOf, connectorOf, joined, parseFilters } from '../logs/filters/parse-filters'
import { urlFilters } from '../logs/filters/url-filters'
import { fieldsOf } from '../protocols/fields'
import { pagingOf, parseJson, timeOf } from './replies'

const HOUR_MS = 3_600_000

/** Parameters of a list that are no filters. */
const PARAMETERS: ReadonlySet<string> = new Set([
  ...['start_time', 'end_time', 'sort_by', 'page', 'page_size', 'cursor', 'all_envs', 'is_test', 'operator'],
  ...['fetch_filters', 'include_fields', 'search', 'key'],
])

/** What a list of logs, or their summary, is asked for. */
export interface AskedLogs {
  where: Clause
  span: Span
  /** As it was asked for, with `-` for descending. */
  sortBy: string
  sort: string
  isDescending: boolean
  page: number
  pageSize: number
  cursor?: Cursor
  includeFields: readonly string[]
  wantsChoices: boolean
  /** The same for all pages of a list. */
  listKey: string
}

/**
 * Reads filters, sort, span and page from the query string, and from a body that has them under the same names.
 * @throws SluiceError 400 for a filter, 422 for another parameter, each naming it
 */
export async function readLogQuery(
  request: Request,
  { caller, nowMs }: { caller: Caller; nowMs: number },
): Promise<AskedLogs> {
  const { parameters, filters } = await parametersOf(request)
  const url = new URL(request.url)
  url.search = parameters.toString()
  const text = parameters.get('cursor')
  const cursor = text === null ? undefined : decodeCursor(text)
  const span = cursor ?? spanOf(url, nowMs)
  const sortBy = cursor?.sortBy ?? parameters.get('sort_by') ?? '-id'
  const asked = joinedFilter(parameters, filters, caller)
  return {
    where: clauseOf(asked, span),
    span: { startMs: span.startMs, endMs: span.endMs },
    ...sortOf(sortBy),
    ...pagingOf(url, 100),
    ...(cursor === undefined ? {} : { cursor }),
    includeFields: (parameters.get('include_fields') ?? '')
      .split(',')
      .map((name) => name.trim())
      .filter(Boolean),
    wantsChoices: isTrue(parameters.get('fetch_filters')),
    listKey: listKeyOf(parameters, filters, caller),
  }
}

async function parametersOf(request: Request): Promise<{ parameters: URLSearchParams; filters: unknown }> {
  const parameters = new URL(request.url).searchParams
  const text = request.method === 'POST' ? await request.text() : ''
  if (text.trim() === '') return { parameters, filters: {} }
  const { filters, ...others } = fieldsOf(parseJson(text))
  for (const [name, value] of Object.entries(others)) {
    if (!PARAMETERS.has(name) && name !== 'environment' && name !== 'log_type')
      throw badFilter(
        name,
        `'${name}' is not known here; filters go into 'filters', beside ${[...PARAMETERS].join(', ')}.`,
      )
    // The query string wins.
    if (!parameters.has(name) && value !== null)
      parameters.set(name, Array.isArray(value) ? value.join(',') : String(value))
  }
  return { parameters, filters: filters ?? {} }
}

function joinedFilter(parameters: URLSearchParams, filters: unknown, caller: Caller): Filter {
  const connector = connectorOf(parameters.get('operator'), 'AND', 'operator')
  const search = parameters.get('search')
  const environment = environmentOf(parameters, caller)
  const parts = [
    parseFilters(filters, { connector }),
    urlFilters(parameters, (name) => PARAMETERS.has(name)),
    ...(search === null || search === '' ? [] : [textFilter(search)]),
    ...(environment === undefined ? [] : [equals('environment', environment)]),
    // A key that is no admin sees its own logs.
    ...(caller.role === 'admin' ? [] : [equals('organization_key_id', caller.apiKeyId)]),
  ]
  return joined(parts.map((filter) => ({ filter, connector: 'AND' })))
}

function equals(name: string, value: string): Filter {
  return conditionOf({ kind: 'field', name }, '', value)
}

function textFilter(search: string): Filter {
  return conditionOf({ kind: 'text', side: 'both' }, 'full_text_search', search)
}

// `is_test` wins over `all_envs`; without either an admin sees the environment of its key, and any other key has but one.
function environmentOf(parameters: URLSearchParams, caller: Caller): string | undefined {
  const isTest = parameters.get('is_test')
  if (isTest !== null) return isTrue(isTest) ? 'test' : 'prod'
  const isNamed = parameters.has('environment') || parameters.has('environment[value]')
  return isNamed || isTrue(parameters.get('all_envs')) || caller.role !== 'admin'
    ? undefined
    : caller.environment
}

function spanOf(url: URL, nowMs: number): Span {
  const endMs = timeOf(url, 'end_time') ?? nowMs
  return { endMs, startMs: timeOf(url, 'start_time') ?? Math.min(nowMs, endMs) - HOUR_MS }
}

function sortOf(sortBy: string): Pick<AskedLogs, 'sortBy' | 'sort' | 'isDescending'> {
  const isDescending = sortBy.startsWith('-')
  const sort = isDescending ? sortBy.slice(1) : sortBy
  if (Object.hasOwn(SORTS, sort)) return { sortBy, sort, isDescending }
  throw badFilter(
    'sort_by',
    `Logs cannot be sorted by '${sort}'; they can by ${Object.keys(SORTS).join(', ')}, with - for the largest first.`,
  )
}

function listKeyOf(parameters: URLSearchParams, filters: unknown, caller: Caller): string {
  const others = [...parameters].filter(([name]) => name !== 'page' && name !== 'cursor')
  return JSON.stringify([caller.role === 'admin' ? '' : caller.apiKeyId, others.toSorted(), filters])
}

function isTrue(value: string | null): boolean {
  return ['true', '1'].includes(value?.toLowerCase() ?? '')
}
