/** What somebody can be told, in the words that the API has for it. */
export const ALERT_KINDS = [
  'limit.warn',
  'limit.block',
  'limits.drift',
  'monitor.firing',
  'monitor.resolved',
] as const
export type AlertKind = (typeof ALERT_KINDS)[number]

/** Something that somebody is to be told of, once. */
export interface AlertEvent {
  /** Stays the same however often it is sent: whoever gets it twice can tell. */
  id: string
  kind: AlertKind | 'test'
  createdAtMs: number
  /** JSON; what it is about. */
  details: Record<string, unknown>
}

/** An event in words. */
export interface Told {
  title: string
  summary: string
  /** A few facts, each with what it is. */
  facts: readonly (readonly [label: string, value: string])[]
}

type Words = (details: Record<string, unknown>) => Told

const WORDS: Record<AlertEvent['kind'], Words> = {
  'limit.warn': (details) => ({
    title: `Limit passed: ${text(details.name)}`,
    summary: `${sentence(subjectOf(details))} went beyond ${amountOf(details, details.threshold)} ${windowOf(details)}. Requests go on.`,
    facts: limitFacts(details),
  }),
  'limit.block': (details) => ({
    title: `Limit reached: ${text(details.name)}`,
    summary: `${sentence(subjectOf(details))} used up ${amountOf(details, details.threshold)} ${windowOf(details)}. Requests are refused.`,
    facts: limitFacts(details),
  }),
  'limits.drift': (details) => ({
    title: `Limit and logs differ: ${text(details.name)}`,
    summary: `The counter of ${subjectOf(details)} stands at ${amountOf(details, details.counted)}, the log rows come to ${amountOf(details, details.logged)}.`,
    facts: [
      ['Counted', amountOf(details, details.counted)],
      ['Logged', amountOf(details, details.logged)],
      ['Window', windowOf(details)],
      ['Since', text(details.window_start ?? 'the beginning')],
    ],
  }),
  'monitor.firing': (details) => ({
    title: `Firing: ${text(details.name)}`,
    summary: `${conditionOf(details)} It is ${measureOf(details, details.value)}.`,
    facts: monitorFacts(details),
  }),
  'monitor.resolved': (details) => ({
    title: `Resolved: ${text(details.name)}`,
    summary: `No longer: ${conditionOf(details)} It is ${measureOf(details, details.value)}.`,
    facts: monitorFacts(details),
  }),
  test: (details) => ({
    title: `Test: ${text(details.name)}`,
    summary: 'Alerts of this gateway arrive here.',
    facts: details.monitor_id === undefined ? [] : monitorFacts(details),
  }),
}

/** What an event says, for people. */
export function toldOf({ kind, details }: Pick<AlertEvent, 'kind' | 'details'>): Told {
  return WORDS[kind](details)
}

/** An event as it is sent to programs. */
export function payloadOf(event: AlertEvent) {
  const { title, summary } = toldOf(event)
  return {
    id: event.id,
    event: event.kind,
    created_at: new Date(event.createdAtMs).toISOString(),
    title,
    summary,
    data: event.details,
  }
}

/** Whom a limit is about, before the subject's id. */
const SCOPE_WORDS: Readonly<Record<string, string>> = {
  api_key: 'the API key',
  model: 'the model',
  customer: 'the customer',
}

function subjectOf({ scope, subject }: Record<string, unknown>): string {
  const words = SCOPE_WORDS[text(scope)]
  return words === undefined ? 'the organization' : `${words} ${text(subject)}`
}

function sentence(words: string): string {
  return words.replace(/^./, (first) => first.toUpperCase())
}

function windowOf({ metric, window }: Record<string, unknown>): string {
  if (metric === 'concurrency') return 'at a time'
  return window === 'total' ? 'in all' : `in this ${text(window)}`
}

function amountOf({ metric }: Record<string, unknown>, amount: unknown): string {
  return metric === 'cost' ? `$${text(amount)}` : `${text(amount)} ${text(metric)}`
}

function limitFacts(details: Record<string, unknown>): Told['facts'] {
  return [
    ['Used', amountOf(details, details.value)],
    ['Limit', amountOf(details, details.threshold)],
    ['Window', windowOf(details)],
    ['Starts anew', text(details.resets_at ?? 'never')],
  ]
}

const UNITS: Readonly<Record<string, (value: string) => string>> = {
  cost: (value) => `$${value}`,
  latency: (value) => `${value} s`,
}

function measureOf({ metric }: Record<string, unknown>, value: unknown): string {
  if (value === null || value === undefined) return 'not measured: there were no requests'
  return UNITS[text(metric)]?.(text(value)) ?? text(value)
}

function conditionOf(details: Record<string, unknown>): string {
  const { metric, aggregation, comparison, threshold, window_minutes: minutes } = details
  const what = `${aggregation === 'p95' ? 'p95 ' : ''}${text(metric).replace('_', ' ')}`
  return `${what} ${text(comparison)} ${measureOf(details, threshold)} over ${text(minutes)} minutes.`
}

function monitorFacts(details: Record<string, unknown>): Told['facts'] {
  const filters = Object.entries(Object(details.filters)).map(([name, value]) => `${name} ${text(value)}`)
  return [
    ['Value', measureOf(details, details.value)],
    ['Threshold', `${text(details.comparison)} ${measureOf(details, details.threshold)}`],
    ['Window', `${text(details.window_minutes)} minutes`],
    ['Of', filters.length === 0 ? 'all requests' : filters.join(', ')],
  ]
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : String(value)
}
