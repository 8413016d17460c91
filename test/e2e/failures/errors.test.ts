import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as fakes from '../../fakes'
import { UPSTREAM_KEY } from '../gateway'
import { AWS_TOKEN, pairs, startWorld, told, type World } from './world'

let world: World

beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world.close())

const cases: [string, fakes.Step][] = [
  ['an invalid request', fakes.status(400)],
  ['a wrong key', fakes.status(401)],
  ['a key without permission', fakes.status(403)],
  ['an unknown model', fakes.status(404)],
  ['a request too large', fakes.status(413)],
  ['a context too long', fakes.contextTooLong()],
  ['a rate limit', fakes.status(429)],
  ['a rate limit in seconds', fakes.rateLimited({ seconds: 7 })],
  ['a rate limit in milliseconds', fakes.rateLimited({ seconds: 7, ms: 6500 })],
  ['a rate limit until a date', fakes.rateLimited({ dateInMs: 60_000 })],
  ['no money left', fakes.quotaExhausted()],
  ['a fault', fakes.status(500)],
  ['a bad gateway', fakes.status(502)],
  ['an overload', fakes.status(503)],
  ['an overload of its own', fakes.status(529)],
  ['a repetition of the key', fakes.echoAuthInError()],
]

/** What the provider says to the gateway's own call, asked for once more without the gateway. */
async function saidToGateway(model: string): Promise<{ status: number; text: string; headers: Headers }> {
  const { path, method, headers, bodyBytes } = await world.callOf(model)
  const { host: _, 'content-length': __, connection: ___, ...sent } = headers
  const url = `${world.behind(model).fake.origin}${path}`
  const response = await fetch(url, { method, headers: sent, body: new Uint8Array(bodyBytes) })
  return { status: response.status, headers: response.headers, text: await response.text() }
}

/** Without what differs from call to call. */
const settled = (text: string) => text.replaceAll(/req_\w+/g, 'req_').replaceAll(/ \d\d:\d\d:\d\d GMT/g, '')

const redacted = (text: string) =>
  text.replaceAll(UPSTREAM_KEY, '[redacted]').replaceAll(AWS_TOKEN, '[redacted]')

/** The words in a provider's error body, in whichever shape; undefined where it is a page. */
function messageIn(text: string): string | undefined {
  try {
    const { error, message } = JSON.parse(text)
    return error?.message ?? message
  } catch {
    return undefined
  }
}

const ways = [false, true]

describe.concurrent.for(pairs)('%s', ([, surface, upstream]) => {
  test.for(cases)('%s keeps its status and words', async ([, step]) => {
    const ask = async (stream: boolean) => {
      const model = world.model(upstream, step)
      const answer = await told(world, await world.ask(surface, model, { stream }))
      return { stream, model, ...answer, said: await saidToGateway(model) }
    }
    for (const { stream, model, status, headers, text, log, said } of await Promise.all(ways.map(ask))) {
      expect(status).toBe(said.status)
      // Google says it in the body, where SDKs do not look.
      const delay = /"retryDelay": "(\d+)s"/.exec(said.text)?.[1] ?? null
      const hasOwn = said.headers.has('retry-after') || said.headers.has('retry-after-ms')
      for (const [name, instead] of [
        ['retry-after', hasOwn ? null : delay],
        ['retry-after-ms', null],
      ] as const)
        expect(settled(String(headers.get(name)))).toBe(settled(String(said.headers.get(name) ?? instead)))
      expect(text + JSON.stringify(log)).not.toMatch(new RegExp(`${UPSTREAM_KEY}|${AWS_TOKEN}`))
      const { name } = world.behind(model)
      const attempt = { deployment_name: name, status_code: status, error_code: 'upstream_status' }
      expect(log).toMatchObject({ ending: 'failed', status_code: status, error_code: 'upstream_status' })
      expect(log).toMatchObject({ usage: null, cost: null, attempts: [attempt], stream })
      if (surface.protocol === upstream) {
        expect(settled(text)).toBe(settled(redacted(said.text)))
        continue
      }
      expect(headers.get('content-type')).toContain('application/json')
      const { message } = surface.error(JSON.parse(text), status)
      const words = messageIn(said.text)
      const seconds = headers.get('retry-after')
      if (surface.protocol === 'gemini' && /^\d+$/.test(seconds ?? ''))
        expect(text).toContain(`"retryDelay":"${seconds}s"`)
      expect(settled(message)).toContain(
        words === undefined ? `answered with status ${status}` : settled(redacted(words)),
      )
    }
  })

  test('every one of them makes the SDK throw', async () => {
    const call = async ([name, step]: (typeof cases)[number], stream: boolean) => {
      const model = world.model(upstream, step)
      const thrown = await surface.thrown(world, model, { stream })
      const said = await saidToGateway(model)
      expect(thrown?.error, name).toBeInstanceOf(thrown?.classFor(said.status))
      expect(thrown?.status, name).toBe(said.status)
      const words = settled(redacted(messageIn(said.text) ?? ''))
      expect(settled(thrown?.message ?? ''), name).toContain(words.slice(0, 40))
    }
    await Promise.all(cases.flatMap((one) => ways.map((stream) => call(one, stream))))
  })
})
