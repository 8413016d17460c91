import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as fakes from '../../fakes'
import { type Client as Protocol, storyOf } from '../failures/stories'
import { type Gateway, type LogRow, startGateway, user } from '../gateway'
import { type Answered, answerIn, askIn, type Client, clients } from './clients'
import { type Fault, faults, RETRIES, TIMEOUTS } from './fault-catalogue'

let gateway: Gateway
let answers: ReadonlyMap<string, Promise<Answered>>

const names: Client[] = ['chat', 'responses', 'messages', 'gemini']
const protocols: Record<Client, Protocol> = {
  ...{ chat: 'openai-chat', responses: 'openai-responses', messages: 'anthropic', gemini: 'gemini' },
}
/** What the request asks for beside its question. */
const ways = ['alone', 'with another', 'with retries', 'with both'] as const
type Way = (typeof ways)[number]

interface Case {
  fault: Fault
  client: Client
  stream: boolean
  way: Way
  first: string
  second: string
}

const cases: Case[] = faults.flatMap((fault, index) =>
  [false, true]
    .filter((stream) => fault.only === undefined || (fault.only === 'stream') === stream)
    .flatMap((stream) =>
      names.flatMap((client) =>
        ways.map((way) => {
          const id = `${index}-${client}-${stream}-${ways.indexOf(way)}`
          return { fault, client, stream, way, first: `first-${id}`, second: `second-${id}` }
        }),
      ),
    ),
)

beforeAll(async () => {
  gateway = await startGateway({
    HEADERS_TIMEOUT_MS: String(TIMEOUTS.headers),
    FIRST_CONTENT_TIMEOUT_MS: String(TIMEOUTS.firstContent),
    IDLE_TIMEOUT_MS: String(TIMEOUTS.idle),
    TOTAL_TIMEOUT_MS: String(TIMEOUTS.total),
  })
  // The first request of an isolate has more to do.
  await gateway.chat({ model: 'fake/warm', messages: user('hi') })
  answers = askAll()
})
afterAll(() => gateway.close())

const AT_ONCE = 16
/** Of the last to be asked, on a busy machine. */
const PATIENCE_MS = 240_000

/** All cases, so many at a time. Those that wait for a deadline are among those that do not, so that all have time. */
function askAll(): Map<string, Promise<Answered>> {
  const lanes: Promise<unknown>[] = Array.from({ length: AT_ONCE }, () => Promise.resolve())
  return new Map(
    [...cases].sort(byWay).map((one, index) => {
      const lane = index % AT_ONCE
      const answer = Promise.resolve(lanes[lane]).then(() => askCase(one))
      lanes[lane] = answer.catch(() => undefined)
      return [one.first, answer] as const
    }),
  )
}

// One case of each fault, and then another of each.
function byWay(one: Case, other: Case): number {
  const placeOf = ({ client, stream, way }: Case) =>
    (names.indexOf(client) * 2 + (stream ? 1 : 0)) * ways.length + ways.indexOf(way)
  return placeOf(one) - placeOf(other)
}

function askCase({ fault, client, stream, way, first, second }: Case): Promise<Answered> {
  gateway.upstream.script(first, fault.step)
  if (way === 'with both') gateway.upstream.script(second, fakes.status(503), fakes.answer())
  const hasOther = way === 'with another' || way === 'with both'
  const hasRetries = way === 'with retries' || way === 'with both'
  const parameters = {
    ...(hasOther ? { fallback_models: [`fake/${second}`] } : {}),
    ...(hasRetries ? { retry_params: { num_retries: RETRIES, retry_after: 0.02 } } : {}),
  }
  return answerIn(gateway, client, { model: `fake/${first}`, stream, parameters })
}

/** The calls that a fault leads to, in their order: to which target, and whether that answered. */
function expectedCalls({ fault, way }: Case): { second?: true; isRetry?: true; status: number }[] {
  const { status, moves, repeats } = fault
  const once = { status }
  if (fault.isLate) return [once]
  if (way === 'with another') return moves ? [once, { second: true, status: 200 }] : [once]
  if (way === 'with retries') return repeats === true ? [once, { status, isRetry: true }] : [once]
  if (way === 'with both' && moves)
    return [once, { second: true, status: 503 }, { second: true, isRetry: true, status: 200 }]
  return [once]
}

const callsOf = (model: string) => gateway.upstream.calls.filter((call) => call.model === model).length

async function check(one: Case): Promise<void> {
  const { fault, client, stream, way, first, second } = one
  const answer = await answers.get(first)
  if (answer === undefined) throw new Error(`${first} was not asked.`)
  const { status, headers, text, logId } = answer
  const log = await gateway.logOf(logId)
  const calls = expectedCalls(one)
  const isMended = calls.at(-1)?.status === 200
  // What the client sees.
  expect(status).toBe(fault.isLate || isMended ? 200 : fault.status)
  expect(headers.get('x-sluice-attempts')).toBe(String(calls.length))
  const isExhausted = way === 'with retries' && fault.repeats === true && !fault.isLate
  // Some providers say `true` themselves.
  expect(headers.get('x-should-retry') === 'false').toBe(isExhausted)
  if (stream && status === 200) {
    const story = storyOf(protocols[client], text)
    expect(story).toMatchObject({ isFinished: isMended, hasMoreAfterError: false })
    expect(story.errors).toHaveLength(isMended ? 0 : 1)
    expect(story.text).toMatch(isMended ? /^echo:/ : /^(?:word0|drip) /)
  } else if (isMended) expect(text).toContain('echo:')
  // In its own protocol a provider's error is what it sent, in whatever shape that is.
  else if (client === 'chat' && fault.code === 'upstream_status') expect(text).not.toBe('')
  else expect(JSON.parse(text)).toMatchObject({ error: { message: expect.any(String) } })
  // What the upstreams got.
  expect([callsOf(first), callsOf(second)]).toEqual([
    calls.filter((call) => call.second === undefined).length,
    calls.filter((call) => call.second).length,
  ])
  // What the log says.
  const ending = isMended ? 'completed' : 'failed'
  const code = isMended ? null : fault.code
  expect(log).toMatchObject({ ending, status_code: isMended ? 200 : fault.status, error_code: code, stream })
  expect(log.attempts).toMatchObject(
    calls.map((call) => ({
      deployment_name: call.second ? second : first,
      reason: call.second ? 'fallback:request' : 'requested',
      is_retry: call.isRetry ?? false,
      status_code: call.status,
      error_class: call.second ? (call.status === 200 ? null : 'overload') : fault.class,
    })),
  )
  checkTimes(one, log)
}

/** How long it may take, as the gateway itself tells: which deadline ended it, and that no call began after the last. */
function checkTimes({ fault, stream, way }: Case, log: LogRow): void {
  const [attempt] = log.attempts
  const { retryAfter, within } = fault
  if (retryAfter === undefined) expect(attempt).toMatchObject({ retry_after: null })
  else {
    const told = Number(Object(attempt).retry_after)
    expect(told).toBeGreaterThanOrEqual(retryAfter[0])
    expect(told).toBeLessThanOrEqual(retryAfter[1])
  }
  if (within !== undefined) {
    const hasOther = way === 'with another' || way === 'with both'
    const words = stream ? within.stream : hasOther ? within.wholeWithAnother : within.whole
    expect(Object(attempt).error_message).toContain(words)
  }
  const startedAt = Date.parse(String(log['start_time']))
  const deadlineAt = startedAt + Number(log['routing_time']) * 1_000 + TIMEOUTS.total
  for (const one of log.attempts)
    expect(Date.parse(String(Object(one).start_time))).toBeLessThanOrEqual(deadlineAt)
  const [, ...others] = log.attempts
  for (const one of others) {
    const waited = Number(Object(one).waited)
    expect(waited).toBeGreaterThanOrEqual(one.is_retry ? (retryAfterOf(fault, one.status_code) ?? 0) : 0)
    if (!one.is_retry) expect(waited).toBe(0)
  }
}

// A repeat of the fault itself waits as long as it asked; one of the second target's has nothing to wait for.
function retryAfterOf({ retryAfter, status }: Fault, repeated: number): number | undefined {
  return repeated === status ? retryAfter?.[0] : undefined
}

describe.concurrent.for(faults.map((fault) => [fault.name, fault] as const))('%s', ([, fault]) => {
  describe.for(ways)('%s', (way) => {
    const fitting = cases.filter((one) => one.fault === fault && one.way === way)

    test.for(fitting.map((one) => [one.client, one.stream, one] as const))(
      'asked in the protocol %s, streamed: %s',
      { timeout: PATIENCE_MS },
      ([, , one]) => check(one),
    )
  })
})

describe.concurrent('a load-balanced pair', () => {
  const cooling = faults.flatMap((fault, index) =>
    fault.coolsAfter === undefined || fault.only === 'whole' ? [] : [[fault.name, fault, index] as const],
  )

  test.for(cooling)(
    'leaves alone what failed, and its share goes to the other: %s',
    async ([, fault, index]) => {
      const [sick, well] = [`sick-${index}`, `well-${index}`]
      gateway.upstream.script(sick, fault.coolStep ?? fault.step)
      // As good as certain to be drawn, so that nothing is left to chance.
      const load_balance_models = [
        { model: `fake/${sick}`, weight: 1e15 },
        { model: `fake/${well}`, weight: 1 },
      ]
      const body = { model: 'fake/unused', messages: user('ask me'), stream: true, load_balance_models }
      const failing = []
      for (let count = 0; count < (fault.coolsAfter ?? 0); count++) {
        failing.push((await gateway.chat(body)).logId)
      }
      // What breaks off behind content is told once its end is noted; what asks for a second must not wait for its log.
      if (fault.isLate) await gateway.logOf(failing.at(-1) ?? '')
      const later = await gateway.chat(body)
      expect(later.status).toBe(200)
      expect(callsOf(sick)).toBe(failing.length)
      expect(await gateway.logOf(later.logId)).toMatchObject({
        ...{ ending: 'completed', attempts: [{ deployment_name: well }] },
      })
      for (const id of failing) {
        const { attempts, ending } = await gateway.logOf(id)
        const [first, ...others] = attempts
        const failed = { deployment_name: sick, error_class: fault.class, reason: 'load_balance' }
        expect(first).toMatchObject(failed)
        if (!fault.isLate) expect(others).toMatchObject([{ deployment_name: well, status_code: 200 }])
        expect(ending).toBe(fault.isLate ? 'failed' : 'completed')
      }
    },
  )
})

describe.concurrent('a load-balanced pair', () => {
  const own = faults.filter(({ moves, isLate }) => moves !== true && isLate !== true)

  test.for(own.map((fault) => [fault.name, fault] as const))(
    'goes on asking for what is wrong with the request itself: %s',
    async ([name, { step, status }]) => {
      const sick = `blamed-${name}`
      gateway.upstream.script(sick, step, step, step, fakes.answer())
      const load_balance_models = [
        { model: `fake/${sick}`, weight: 1e15 },
        { model: `fake/spare-${name}`, weight: 1 },
      ]
      const statuses = []
      for (let count = 0; count < 4; count++)
        statuses.push((await gateway.chat({ messages: user('x'), load_balance_models })).status)
      expect(statuses).toEqual([status, status, status, 200])
      expect(callsOf(sick)).toBe(4)
    },
  )
})

describe.concurrent('a prompt that is too long', () => {
  test('goes to the next model with a larger window, past those that are not', async () => {
    const windows = [
      ['window-small', 8_000],
      ['window-same', 128_000],
      ['window-large', 1_000_000],
    ] as const
    for (const [model_name, max_context_window] of windows)
      await gateway.manage('POST', '/api/models/', { model_name, provider_id: 'fake', max_context_window })
    gateway.upstream.script('window-first', fakes.contextTooLong(128_000))
    const parameters = { fallback_models: windows.map(([name]) => name) }
    const answer = await askIn(gateway, 'chat', { model: 'fake/window-first', parameters })
    expect(answer.status).toBe(200)
    expect(answer.log.attempts.map(({ deployment_name }) => deployment_name)).toEqual([
      'window-first',
      'window-large',
    ])
  })
})

describe.concurrent('a client of any protocol', () => {
  test.for(Object.keys(clients).filter((name): name is Client => name in clients))(
    '%s may say the parameters in a header, and no fallback in another',
    async (client) => {
      const [first, second] = [`header-${client}`, `header-second-${client}`]
      gateway.upstream.script(first, fakes.status(500))
      const headers = {
        'x-data-respan-params': JSON.stringify({ fallback_models: [`fake/${second}`] }),
        'x-no-fallback': 'true',
      }
      const answer = await askIn(gateway, client, { model: `fake/${first}`, headers })
      expect([answer.status, callsOf(second)]).toEqual([500, 0])
      const { 'x-no-fallback': _, ...others } = headers
      const again = await askIn(gateway, client, { model: `fake/${first}`, headers: others })
      expect([again.status, callsOf(second)]).toEqual([200, 1])
    },
  )
})
