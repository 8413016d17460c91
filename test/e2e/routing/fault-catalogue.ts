import * as fakes from '../../fakes'

/** The deadlines of the gateway under test, in milliseconds: long enough for a busy machine to answer well. */
export const TIMEOUTS = { headers: 2_500, firstContent: 2_500, idle: 2_500, total: 6_000 } as const
/** How often the last target is asked again where a request asks for retries. */
export const RETRIES = 1

/** What an upstream can do wrong, and what that means. */
export interface Fault {
  name: string
  step: fakes.Step
  /** What the client is told, or would be if it had not been answered already. */
  status: number
  /** `error_code` of the log. */
  code: string
  /** `error_class` of the attempt. */
  class: string
  /** Another target is asked. */
  moves?: true
  /** The same target is asked again; `late` when it asks for more patience than there is time. */
  repeats?: true | 'late'
  only?: 'stream' | 'whole'
  /** It comes behind content: the client hears of it by an event, and nobody else is asked. */
  isLate?: true
  /** Seconds that it asks for, at least and at most. */
  retryAfter?: readonly [number, number]
  /** The deadline that it ran into, by words of its error message. */
  within?: { stream: string; whole: string; wholeWithAnother: string }
  /** How many requests in a row it takes until a load-balanced pair leaves it alone. */
  coolsAfter?: 1 | 2
  /** The same fault asking for so much patience that a slow machine's next request falls into it. */
  coolStep?: fakes.Step
}

const answered = { code: 'upstream_status' } as const
const both = { moves: true, repeats: true } as const
const counts = { coolsAfter: 2 } as const
const silence = {
  ...{ status: 504, code: 'upstream_timeout', class: 'timeout' },
  within: { stream: 'within 2500 ms', whole: 'within 6000 ms', wholeWithAnother: 'within 3000 ms' },
} as const
const broken = { ...{ status: 502, code: 'upstream_incomplete', class: 'transport' }, ...both } as const
const rate = { ...answered, ...{ status: 429, class: 'rate' }, moves: true, coolsAfter: 1 } as const
const [BEHIND, BEFORE] = [6, 1]
const json = { 'content-type': 'application/json' }

/** Everything that is known to go wrong, before content, behind it, or instead of it. */
export const faults: readonly Fault[] = [
  // Without a word on when to come back nobody is left alone.
  { name: '429', step: fakes.rateLimited(), ...rate, repeats: true, coolsAfter: 1 },
  {
    ...{ name: '429 in seconds', step: fakes.rateLimited({ seconds: 1 }), ...rate },
    ...{ repeats: true, retryAfter: [1, 1], coolStep: fakes.rateLimited({ seconds: 60 }) },
  },
  {
    ...{ name: '429 by date', step: fakes.rateLimited({ dateInMs: 9_000 }), ...rate },
    ...{ repeats: 'late', retryAfter: [6, 9], coolStep: fakes.rateLimited({ dateInMs: 60_000 }) },
  },
  {
    ...{ name: '429 in milliseconds', step: fakes.rateLimited({ ms: 700 }), ...rate },
    ...{ repeats: true, retryAfter: [0.7, 0.7], coolStep: fakes.rateLimited({ ms: 60_000 }) },
  },
  {
    ...{ name: 'no quota left', step: fakes.quotaExhausted(), ...answered },
    ...{ status: 429, class: 'quota', moves: true, coolsAfter: 1 },
  },
  { name: '500', step: fakes.status(500), ...answered, status: 500, class: 'server', ...both, ...counts },
  { name: '503', step: fakes.status(503), ...answered, status: 503, class: 'overload', ...both, ...counts },
  { name: '529', step: fakes.status(529), ...answered, status: 529, class: 'overload', ...both, ...counts },
  {
    ...{ name: '401 of a stored key', step: fakes.status(401), ...answered },
    ...{ status: 401, class: 'auth', moves: true, coolsAfter: 1 },
  },
  { name: '404', step: fakes.status(404), ...answered, status: 404, class: 'missing', moves: true },
  {
    ...{ name: 'refused', step: fakes.refuse(), status: 502, code: 'upstream_unreachable' },
    ...{ class: 'transport', ...both, ...counts },
  },
  {
    ...{ name: 'reset before headers', step: fakes.resetBeforeHeaders(), status: 502 },
    ...{ code: 'upstream_unreachable', class: 'transport', ...both, ...counts },
  },
  { name: 'silent before headers', step: fakes.hangBeforeHeaders(), ...silence, moves: true, ...counts },
  {
    ...{ name: 'HTML', step: fakes.htmlWith200(), status: 502, code: 'upstream_invalid' },
    ...{ class: 'server', ...both, ...counts },
  },
  { name: '400', step: fakes.status(400), ...answered, status: 400, class: 'bad_request' },
  { name: '413', step: fakes.status(413), ...answered, status: 413, class: 'bad_request' },
  { name: '422', step: fakes.status(422), ...answered, status: 422, class: 'bad_request' },
  { name: 'forbidden content', step: fakes.contentBlocked(), ...answered, status: 400, class: 'policy' },
  { name: 'too long', step: fakes.contextTooLong(), ...answered, status: 400, class: 'context' },

  {
    ...{ name: 'truncated JSON', step: fakes.truncatedJson(), only: 'whole' },
    ...{ status: 502, code: 'upstream_invalid', class: 'server', ...both, ...counts },
  },
  { name: 'cut JSON', step: fakes.truncatedJson('cut'), ...broken, only: 'whole', ...counts },
  {
    name: 'reset after headers, whole',
    step: fakes.truncatedJson('reset'),
    ...broken,
    only: 'whole',
    ...counts,
  },
  {
    ...{ name: 'silent after headers, whole', step: fakes.truncatedJson('hang'), ...silence },
    ...{ moves: true, only: 'whole', ...counts },
  },
  {
    name: 'an endless reply',
    step: fakes.raw({
      headers: json,
      chunks: Array.from({ length: 150 }, () => ({ bytes: ' ', delayMs: 50 })),
    }),
    ...{ ...silence, moves: true, only: 'whole', ...counts },
  },

  {
    ...{ name: 'silent before the first event', step: fakes.hangBeforeFirstEvent(), ...silence },
    ...{ moves: true, only: 'stream', ...counts },
  },
  {
    ...{ name: 'silent before content', step: fakes.hangMidStream(BEFORE), ...silence },
    ...{ moves: true, only: 'stream', ...counts },
  },
  {
    ...{ name: 'an error first', step: fakes.errorEventFirst(), status: 500, code: 'upstream_error_event' },
    ...{ class: 'server', ...both, only: 'stream', ...counts },
  },
  { name: 'reset after headers', step: fakes.resetMidStream(0), ...broken, only: 'stream', ...counts },
  { name: 'reset before content', step: fakes.resetMidStream(BEFORE), ...broken, only: 'stream', ...counts },
  { name: 'cut before content', step: fakes.cutMidStream(BEFORE), ...broken, only: 'stream', ...counts },
  {
    ...{ name: 'ended before content', step: fakes.endWithoutTerminal(BEFORE), ...broken },
    ...{ only: 'stream', ...counts },
  },

  ...behindContent([
    ['silent in the middle', fakes.hangMidStream(BEHIND), 504, 'upstream_timeout', 'timeout'],
    ['cut in the middle', fakes.cutMidStream(BEHIND), 502, 'upstream_incomplete', 'transport'],
    [
      'cut inside an event',
      fakes.cutMidStream(BEHIND, { insideEvent: true }),
      502,
      'upstream_incomplete',
      'transport',
    ],
    ['reset in the middle', fakes.resetMidStream(BEHIND), 502, 'upstream_incomplete', 'transport'],
    ['ended in the middle', fakes.endWithoutTerminal(BEHIND), 502, 'upstream_incomplete', 'transport'],
    ['an error in the middle', fakes.errorEventAfter(BEHIND), 500, 'upstream_error_event', 'server'],
  ]),
  {
    // That lasts until the whole is over, when what came before is half forgotten.
    ...{ name: 'an endless drip', step: fakes.endlessDrip(100), isLate: true, only: 'stream' },
    ...{ status: 504, code: 'upstream_timeout', class: 'timeout' },
  },
]

function behindContent(all: readonly [string, fakes.Step, number, string, string][]): Fault[] {
  return all.map(([name, step, status, code, kind]) => ({
    ...{ name, step, status, code, class: kind },
    ...{ isLate: true, only: 'stream', coolsAfter: 2 },
  }))
}
