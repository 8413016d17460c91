import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as fakes from '../../fakes'
import type { Surface } from './surfaces'
import { contentsInArray } from './surfaces'
import { pairs, startWorld, told, UPSTREAMS, type Upstream, type World } from './world'

const IDLE_TIMEOUT_MS = 2_500

let world: World

beforeAll(async () => {
  world = await startWorld({
    HEADERS_TIMEOUT_MS: '4000',
    FIRST_CONTENT_TIMEOUT_MS: '4000',
    IDLE_TIMEOUT_MS: String(IDLE_TIMEOUT_MS),
    TOTAL_TIMEOUT_MS: '6000',
  })
})
afterAll(() => world.close())

/** Events that come before the first content. */
const PRELUDES: Record<Upstream, number> = {
  'openai-chat': 1,
  'openai-responses': 2,
  anthropic: 1,
  gemini: 0,
  'bedrock-converse': 1,
}

/** The statuses that the errors stand for which the providers send as events. */
const ERROR_EVENTS: Record<Upstream, number> = {
  'openai-chat': 500,
  'openai-responses': 500,
  anthropic: 529,
  gemini: 503,
  'bedrock-converse': 500,
}

/** The statuses that the errors stand for which come with the status 200. */
const FAILURES_WITH_200: Record<Upstream, number> = {
  'openai-chat': 502,
  'openai-responses': 502,
  anthropic: 500,
  gemini: 500,
  'bedrock-converse': 500,
}

/** Before any content: the status can still tell, and nothing of the stream is seen. */
const early: [string, (upstream: Upstream) => fakes.Step, number | typeof ERROR_EVENTS, string][] = [
  ['refuses the connection', () => fakes.refuse(), 502, 'upstream_unreachable'],
  ['resets before its headers', () => fakes.resetBeforeHeaders(), 502, 'upstream_unreachable'],
  ['resets before any content', (at) => fakes.resetMidStream(PRELUDES[at]), 502, 'upstream_incomplete'],
  ['is cut before any content', (at) => fakes.cutMidStream(PRELUDES[at]), 502, 'upstream_incomplete'],
  ['ends before any content', (at) => fakes.endWithoutTerminal(PRELUDES[at]), 502, 'upstream_incomplete'],
  ['begins with an error', () => fakes.errorEventFirst(), ERROR_EVENTS, 'upstream_error_event'],
  ['is silent', () => fakes.hangBeforeHeaders(), 504, 'upstream_timeout'],
  ['is silent after its headers', () => fakes.hangBeforeFirstEvent(), 504, 'upstream_timeout'],
  ['is silent before content', (at) => fakes.hangMidStream(PRELUDES[at]), 504, 'upstream_timeout'],
  ['sends a page', () => fakes.htmlWith200(), 502, 'upstream_invalid'],
  ['sends nothing', () => fakes.emptyBody200(), 502, 'upstream_invalid'],
  ['sends JSON', () => fakes.jsonToStreamRequest(), 502, 'upstream_invalid'],
]

/** Behind some content: the client hears of it by an event. */
const late: [string, fakes.Step, number | typeof ERROR_EVENTS, string, object?][] = [
  ['resets', fakes.resetMidStream(8), 502, 'upstream_incomplete'],
  ['is cut', fakes.cutMidStream(8), 502, 'upstream_incomplete'],
  ['is cut inside an event', fakes.cutMidStream(8, { insideEvent: true }), 502, 'upstream_incomplete'],
  ['ends without its end marker', fakes.endWithoutTerminal(12), 502, 'upstream_incomplete'],
  ['reports an error', fakes.errorEventAfter(8), ERROR_EVENTS, 'upstream_error_event'],
  ['falls silent', fakes.hangMidStream(8), 504, 'upstream_timeout'],
  ['never ends', fakes.endlessDrip(40, { content: ['word0 '] }), 504, 'upstream_timeout', { timeout: 3 }],
]

function statusOf(status: number | typeof ERROR_EVENTS, upstream: Upstream): number {
  return typeof status === 'number' ? status : ERROR_EVENTS[upstream]
}

describe.concurrent.for(pairs)('%s: an upstream that', ([, surface, upstream]) => {
  test.for(early)('%s', async ([, step, code, errorCode]) => {
    const status = statusOf(code, upstream)
    const model = world.model(upstream, step(upstream))
    const [answer, thrown] = await Promise.all([
      world.ask(surface, model, { stream: true }).then((response) => told(world, response)),
      surface.thrown(world, model, { stream: true }),
    ])
    expect([answer.status, answer.text]).toEqual([status, expect.any(String)])
    const { message } = surface.error(JSON.parse(answer.text), status)
    expect(message).toContain(world.behind(model).fake === world.upstream ? '' : 'bedrock')
    expect(answer.log).toMatchObject({ ending: 'failed', status_code: status, error_code: errorCode })
    expect(answer.log.attempts).toMatchObject([{ status_code: status, error_code: errorCode }])
    expect(answer.log).toMatchObject({ usage: null })
    expect(thrown?.error).toBeInstanceOf(thrown?.classFor(status))
    expect(thrown?.status).toBe(status)
  })

  test.for(late)('%s in the middle', async ([, step, code, errorCode, more = {}]) => {
    const [thrown] = await Promise.all([
      surface.thrown(world, world.model(upstream, step), { stream: true }),
      expectBroken(surface, upstream, { step, status: statusOf(code, upstream), errorCode, more }),
    ])
    expect(thrown?.error).toBeInstanceOf(Error)
  })
})

describe.concurrent.for(UPSTREAMS)('a JSON array from %s: an upstream that', (upstream) => {
  test.for(late)('%s in the middle', async ([, step, code, errorCode, more = {}]) => {
    await expectBroken(contentsInArray, upstream, {
      ...{ step, status: statusOf(code, upstream), errorCode, more },
    })
  })
})

/** The client has the beginning, then one error in its own words, and nothing that looks like an end. */
async function expectBroken(
  surface: Surface,
  upstream: Upstream,
  given: { step: fakes.Step; status: number; errorCode: string; more: object },
) {
  const { step, status, errorCode, more } = given
  const model = world.model(upstream, step)
  const response = await world.ask(surface, model, { stream: true, more })
  const { text, log, ...answer } = await told(world, response)
  expect([answer.status, text]).toEqual([200, expect.any(String)])
  // Where bytes go through untouched, half an event is out when the stream breaks: it is one of its own then.
  const story = surface.story(isCutInside(step) ? withoutHalf(text) : text)
  expect(story).toMatchObject({ isFinished: false, hasMoreAfterError: false })
  expect(story.text).toMatch(/^word0 /)
  expect(story.errors, text).toHaveLength(1)
  expect(story.errors[0]?.message).toMatch(/\w{3}/)
  expect(log).toMatchObject({ ending: 'failed', status_code: status, error_code: errorCode })
  expect(log.attempts).toMatchObject([{ status_code: status, error_code: errorCode }])
  expect(log.usage_source).toMatch(/^(?:estimated|partial)$/)
  expect(log.usage?.input_tokens).toBeGreaterThan(0)
  expect(log.usage?.output_tokens).toBeGreaterThan(0)
  expect(JSON.stringify(log.full_response)).toContain('word0')
  await world.callOf(model)
}

function isCutInside(step: fakes.Step): boolean {
  return step.kind === 'broken-stream' && step.fault.insideEvent === true
}

/** Without the last event but one, where that is half of one. */
function withoutHalf(text: string): string {
  const blocks = text.split('\n\n')
  return blocks.filter((block) => !isHalf(block)).join('\n\n')
}

function isHalf(block: string): boolean {
  const data = block.slice(block.indexOf('data:') + 5)
  if (!block.includes('data:') || data.trim() === '[DONE]') return false
  try {
    JSON.parse(data)
    return false
  } catch {
    return true
  }
}

const whole: [string, fakes.Step, number, string][] = [
  ['stops in the middle of its JSON', fakes.truncatedJson(), 502, 'upstream_invalid'],
  ['is cut', fakes.truncatedJson('cut'), 502, 'upstream_incomplete'],
  ['resets', fakes.truncatedJson('reset'), 502, 'upstream_incomplete'],
  ['hangs in the middle', fakes.truncatedJson('hang'), 504, 'upstream_timeout'],
  ['is silent', fakes.hangBeforeHeaders(), 504, 'upstream_timeout'],
  ['sends a page', fakes.htmlWith200(), 502, 'upstream_invalid'],
  ['sends nothing', fakes.emptyBody200(), 502, 'upstream_invalid'],
  ['sends a stream', fakes.streamToJsonRequest(), 502, 'upstream_invalid'],
  ['sends JSON of another kind', fakes.json({ hello: 'world' }), 502, 'upstream_invalid'],
  ['sends an array', fakes.json([1, 2]), 502, 'upstream_invalid'],
]

describe.concurrent.for(pairs)('%s, in one piece: an upstream that', ([, surface, upstream]) => {
  const check = async ([, step, status, errorCode]: (typeof whole)[number]) => {
    const model = world.model(upstream, step)
    const [answer, thrown] = await Promise.all([
      world.ask(surface, model).then((response) => told(world, response)),
      surface.thrown(world, model, { stream: false }),
    ])
    expect([answer.status, answer.text]).toEqual([status, expect.any(String)])
    surface.error(JSON.parse(answer.text), status)
    expect(answer.log).toMatchObject({ ending: 'failed', status_code: status, usage: null })
    expect(answer.log.error_code).toBe(errorCode)
    expect(thrown?.error).toBeInstanceOf(thrown?.classFor(status))
  }

  test('goes wrong in any way is a failure of its own', async () => {
    const results = await Promise.allSettled(whole.map(check))
    const failed = results.map((result, index) =>
      result.status === 'fulfilled' ? [] : [`${whole[index]?.[0]}: ${result.reason}`],
    )
    expect(failed.flat()).toEqual([])
  })

  test('says with status 200 that it failed', async () => {
    const model = world.model(upstream, fakes.jsonErrorWith200())
    const answer = await told(world, await world.ask(surface, model))
    expect([answer.status, answer.text]).toEqual([FAILURES_WITH_200[upstream], expect.any(String)])
    // The provider's own words go on as they are.
    if (surface.protocol !== upstream) surface.error(JSON.parse(answer.text), answer.status)
    expect(answer.log).toMatchObject({ ending: 'failed', status_code: answer.status, usage: null })
  })
})
