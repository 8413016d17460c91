import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as fakes from '../../fakes'
import { pairs, startWorld, told, UPSTREAMS, type Upstream, type World } from './world'

let world: World

beforeAll(async () => {
  world = await startWorld({
    HEADERS_TIMEOUT_MS: '2500',
    FIRST_CONTENT_TIMEOUT_MS: '2500',
    TOTAL_TIMEOUT_MS: '6000',
  })
})
afterAll(() => world.close())

/** What another target may mend, with the status of the attempt. */
const failures: [string, fakes.Step, number][] = [
  ['a rate limit', fakes.rateLimited(), 429],
  ['a wrong key', fakes.status(401), 401],
  ['an overload', fakes.status(503), 503],
  ['a reset', fakes.resetBeforeHeaders(), 502],
  ['a page', fakes.htmlWith200(), 502],
  ['silence', fakes.hangBeforeHeaders(), 504],
]

/** The protocol after this one, so that each is a first and a second target. */
function nextOf(upstream: Upstream): Upstream {
  return UPSTREAMS[(UPSTREAMS.indexOf(upstream) + 1) % UPSTREAMS.length] ?? 'openai-chat'
}

describe.concurrent.for(pairs)('%s', ([, surface, upstream]) => {
  test.for(failures)('and %s: a target of another protocol answers', async ([, step, status_code]) => {
    const check = async (stream: boolean) => {
      const first = world.model(upstream, step)
      const second = world.model(nextOf(upstream), fakes.answer({ content: 'from the second' }))
      const more = { fallback_models: [second] }
      const { status, headers, text, log } = await told(
        world,
        await world.ask(surface, first, { stream, more }),
      )
      expect([status, text]).toEqual([200, expect.any(String)])
      if (stream) {
        expect(surface.story(text)).toMatchObject({ text: 'from the second', isFinished: true, errors: [] })
      } else expect(text).toContain('from the second')
      expect(headers.get('x-sluice-attempts')).toBe('2')
      expect(headers.get('x-sluice-model')).toBe(world.behind(second).name)
      expect(log.attempts).toMatchObject([
        { status_code, deployment_name: world.behind(first).name },
        { status_code: 200, deployment_name: world.behind(second).name },
      ])
      expect(log).toMatchObject({ ending: 'completed', model: second, usage_source: 'provider', stream })
    }
    await Promise.all([check(false), check(true)])
  })

  test('and an error event before any content: another target answers the stream', async () => {
    const first = world.model(upstream, fakes.errorEventFirst())
    const second = world.model(nextOf(upstream), fakes.answer({ content: 'from the second' }))
    const more = { fallback_models: [second] }
    const { text, log } = await told(world, await world.ask(surface, first, { stream: true, more }))
    expect(surface.story(text)).toMatchObject({ text: 'from the second', isFinished: true, errors: [] })
    expect(log.attempts).toMatchObject([{ error_code: 'upstream_error_event' }, { status_code: 200 }])
  })

  test('and a break behind content: no other target is asked', async () => {
    const first = world.model(upstream, fakes.cutMidStream(8))
    const second = world.model(nextOf(upstream))
    const more = { fallback_models: [second] }
    const { text, log } = await told(world, await world.ask(surface, first, { stream: true, more }))
    expect(surface.story(text)).toMatchObject({ isFinished: false, errors: [expect.anything()] })
    expect(log.attempts).toHaveLength(1)
    const { fake, name } = world.behind(second)
    expect(fake.calls.filter((call) => call.model === name)).toEqual([])
  })

  test('and a request at fault: the error comes at once, in the words of the client', async () => {
    const first = world.model(upstream, fakes.status(400))
    const more = { fallback_models: [world.model(nextOf(upstream))] }
    const { status, text, log } = await told(world, await world.ask(surface, first, { more }))
    expect([status, log.attempts.length]).toEqual([400, 1])
    if (surface.protocol !== upstream) surface.error(JSON.parse(text), 400)
  })

  test('and all targets failing: the last error is told in the words of the client', async () => {
    const first = world.model(upstream, fakes.status(503))
    const second = world.model(nextOf(upstream), fakes.rateLimited({ seconds: 9 }))
    const more = { fallback_models: [second] }
    const { status, headers, text, log } = await told(world, await world.ask(surface, first, { more }))
    expect([status, headers.get('retry-after')]).toEqual([429, '9'])
    if (surface.protocol !== nextOf(upstream)) surface.error(JSON.parse(text), 429)
    expect(log.attempts).toMatchObject([{ status_code: 503 }, { status_code: 429 }])
  })
})
