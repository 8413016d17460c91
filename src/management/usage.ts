import type { Caller } from '../keys/authenticate'
import { readLogSettings } from '../logs/log-settings'
import {
  METADATA_GROUP,
  metadataKeys,
  type RollupGroup,
  readUsage,
  USAGE_GROUPS,
  USAGE_SORTS,
  type UsageGroup,
  type UsageQuery,
} from '../logs/usage'
import { invalidField, linksOf, pagingOf, timeOf } from './replies'
import type { ManagementContext, ManagementRoute } from './route'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const DEFAULT_SPAN_MS = 30 * DAY_MS
/** What is read from rows takes a row for each request. */
const DEFAULT_ROWS_SPAN_MS = DAY_MS
const LONGEST_ROWS_SPAN_DAYS = 31
const MAX_METADATA_KEYS = 5
const OTHERS = ['group_by', 'sort_by', 'start_time', 'end_time', 'page', 'page_size']

/** Other words for a group. */
const ALIASES: Readonly<Record<string, readonly UsageGroup[]>> = {
  provider: ['provider_id'],
  key: ['organization_key_id'],
  api_key: ['organization_key_id'],
  customer: ['customer_identifier'],
  prompt: ['prompt_id'],
  prompt_version: ['prompt_id', 'prompt_version_number'],
}

/** Usage from the roll-ups: an admin key sees all of it, any other key its own. */
export const usageRoutes: ManagementRoute[] = [
  { method: 'GET', paths: ['/api/usage'], auth: 'any_key', logging: 'none', handle: usage },
]

async function usage({ env, request, effects }: ManagementContext, caller: Caller): Promise<Response> {
  const url = new URL(request.url)
  const nowMs = effects.now()
  const asked = queryOf(url, nowMs)
  const query = metadataKeys(asked).length === 0 ? asked : await fromRows(asked, env.CONFIG, nowMs)
  const own = { group: 'organization_key_id' as const, values: [caller.apiKeyId] }
  const filters = caller.role === 'admin' ? query.filters : [...query.filters, own]
  const { count, results, totals } = await readUsage(env.LOGS, { ...query, filters })
  return Response.json({
    start_time: new Date(query.startMs).toISOString(),
    end_time: new Date(query.endMs).toISOString(),
    group_by: query.groupBy,
    totals,
    ...linksOf(url, { count, page: query.page, pageSize: query.pageSize }),
    results,
  })
}

/** The same of rows: as many as may be read at once, and none of a time whose rows are removed. */
async function fromRows(query: UsageQuery, config: D1Database, nowMs: number): Promise<UsageQuery> {
  if (metadataKeys(query).length > MAX_METADATA_KEYS)
    throw invalidField('group_by', `may have at most ${MAX_METADATA_KEYS} keys of metadata`)
  if (query.endMs - query.startMs > LONGEST_ROWS_SPAN_DAYS * DAY_MS + HOUR_MS)
    throw invalidField('start_time', `may be at most ${LONGEST_ROWS_SPAN_DAYS} days ago with metadata`)
  const days = (await readLogSettings(config)).retention.logs_days
  if (days === null || days === undefined) return query
  const keptMs = Math.ceil((nowMs - days * DAY_MS) / HOUR_MS) * HOUR_MS
  return { ...query, startMs: Math.min(Math.max(query.startMs, keptMs), query.endMs) }
}

function queryOf(url: URL, nowMs: number): UsageQuery {
  const filters = filtersOf(url)
  const groupBy = groupsOf(url)
  const sortBy = sortOf(url)
  const isOfRows = metadataKeys({ groupBy, filters }).length > 0
  const endMs = timeOf(url, 'end_time') ?? nowMs
  const startMs = timeOf(url, 'start_time') ?? endMs - (isOfRows ? DEFAULT_ROWS_SPAN_MS : DEFAULT_SPAN_MS)
  return {
    startMs: Math.floor(startMs / HOUR_MS) * HOUR_MS,
    endMs: Math.ceil(endMs / HOUR_MS) * HOUR_MS,
    groupBy,
    filters,
    ...(sortBy === undefined ? {} : { sortBy }),
    ...pagingOf(url, 1_000),
  }
}

function groupsOf(url: URL): UsageGroup[] {
  const names = url.searchParams.getAll('group_by').flatMap((text) => text.split(','))
  return [...new Set(names.filter((name) => name !== '').flatMap((name) => groupOf('group_by', name)))]
}

function groupOf(field: string, name: string): readonly UsageGroup[] {
  if (isGroup(name)) return [name]
  if (isMetadata(name)) return [name]
  const alias = ALIASES[name]
  if (alias !== undefined) return alias
  const known = [...Object.keys(USAGE_GROUPS), ...Object.keys(ALIASES), `${METADATA_GROUP}<key>`].join(', ')
  throw invalidField(field, `'${name}' is not known here; known are ${known}`)
}

function isGroup(name: string): name is RollupGroup {
  return Object.hasOwn(USAGE_GROUPS, name)
}

function isMetadata(name: string): name is `${typeof METADATA_GROUP}${string}` {
  return name.startsWith(METADATA_GROUP) && name.length > METADATA_GROUP.length
}

function filtersOf(url: URL): UsageQuery['filters'] {
  const names = new Set([...url.searchParams.keys()].filter((name) => !OTHERS.includes(name)))
  return [...names].map((name) => {
    const [group, another] = groupOf(name, name)
    if (group === undefined || another !== undefined)
      throw invalidField(name, 'is not a filter; filter by prompt_id and prompt_version_number')
    return { group, values: url.searchParams.getAll(name) }
  })
}

function sortOf(url: URL): UsageQuery['sortBy'] {
  const text = url.searchParams.get('sort_by')
  if (text === null) return undefined
  const isDescending = text.startsWith('-')
  const sum = isDescending ? text.slice(1) : text
  if (isSort(sum)) return { sum, isDescending }
  throw invalidField(
    'sort_by',
    `must be one of ${Object.keys(USAGE_SORTS).join(', ')}, with - for descending`,
  )
}

function isSort(name: string): name is keyof typeof USAGE_SORTS {
  return Object.hasOwn(USAGE_SORTS, name)
}
