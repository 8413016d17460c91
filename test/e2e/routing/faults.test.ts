import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as fakes from '../../fakes'
import { type Gateway, startGateway } from '../gateway'
import { askIn, type Client, clients } from './clients'

let gateway: Gateway

beforeAll(async () => {
  gateway = await startGateway({
    HEADERS_TIMEOUT_MS: '1000',
    FIRST_CONTENT_TIMEOUT_MS: '1000',
    TOTAL_TIMEOUT_MS: '3000',
  })
})
afterAll(() => gateway.close())

interface Fault {
  name: string
  step: fakes.Step
  status: number
  errorClass: string
  /** Another target is asked. */
  moves: boolean
  only?: 'stream' | 'whole'
}

const faults: readonly Fault[] = [
  { name: '429', step: fakes.rateLimited(), status: 429, errorClass: 'rate', moves: true },
  {
    name: '429 in seconds',
    step: fakes.rateLimited({ seconds: 1 }),
    status: 429,
    errorClass: 'rate',
    moves: true,
  },
  {
    name: '429 by date',
    step: fakes.rateLimited({ dateInMs: 9_000 }),
    status: 429,
    errorClass: 'rate',
    moves: true,
  },
  { name: '429 in ms', step: fakes.rateLimited({ ms: 500 }), status: 429, errorClass: 'rate', moves: true },
  { name: 'no quota left', step: fakes.quotaExhausted(), status: 429, errorClass: 'quota', moves: true },
  { name: '500', step: fakes.status(500), status: 500, errorClass: 'server', moves: true },
  { name: '503', step: fakes.status(503), status: 503, errorClass: 'overload', moves: true },
  { name: '529', step: fakes.status(529), status: 529, errorClass: 'overload', moves: true },
  { name: '401 of a stored key', step: fakes.status(401), status: 401, errorClass: 'auth', moves: true },
  { name: '404', step: fakes.status(404), status: 404, errorClass: 'missing', moves: true },
  { name: 'refused', step: fakes.refuse(), status: 502, errorClass: 'transport', moves: true },
  { name: 'reset', step: fakes.resetBeforeHeaders(), status: 502, errorClass: 'transport', moves: true },
  { name: 'silent', step: fakes.hangBeforeHeaders(), status: 504, errorClass: 'timeout', moves: true },
  { name: 'HTML', step: fakes.htmlWith200(), status: 502, errorClass: 'server', moves: true },
  {
    name: 'cut JSON',
    step: fakes.truncatedJson(),
    status: 502,
    errorClass: 'server',
    moves: true,
    only: 'whole',
  },
  {
    ...{ name: 'silent stream', step: fakes.hangBeforeFirstEvent(), status: 504, errorClass: 'timeout' },
    ...{ moves: true, only: 'stream' },
  },
  {
    ...{ name: 'error first', step: fakes.errorEventFirst(), status: 500, errorClass: 'server' },
    ...{ moves: true, only: 'stream' },
  },
  {
    ...{ name: 'reset stream', step: fakes.resetMidStream(1), status: 502, errorClass: 'transport' },
    ...{ moves: true, only: 'stream' },
  },
  { name: '400', step: fakes.status(400), status: 400, errorClass: 'bad_request', moves: false },
  { name: '413', step: fakes.status(413), status: 413, errorClass: 'bad_request', moves: false },
  { name: '422', step: fakes.status(422), status: 422, errorClass: 'bad_request', moves: false },
  {
    name: 'forbidden content',
    step: fakes.contentBlocked(),
    status: 400,
    errorClass: 'policy',
    moves: false,
  },
  { name: 'too long', step: fakes.contextTooLong(), status: 400, errorClass: 'context', moves: false },
]

const names: Client[] = ['chat', 'responses', 'messages', 'gemini']
let scripted = 0

const callsOf = (model: string) => gateway.upstream.calls.filter((call) => call.model === model).length

describe.concurrent.for(names)('asked in the protocol %s', (client) => {
  describe.for([false, true])('streamed: %s', (stream) => {
    const fitting = faults.filter(({ only }) => only === undefined || (only === 'stream') === stream)

    test.for(fitting.map((fault) => [fault.name, fault] as const))('%s, alone', async ([, fault]) => {
      const first = `alone${++scripted}`
      gateway.upstream.script(first, fault.step)
      const asked = await askIn(gateway, client, { model: `fake/${first}`, stream })
      const { status } = fault
      expect(asked.status).toBe(status)
      expect(asked.headers.get('x-sluice-attempts')).toBe('1')
      expect(asked.headers.get('x-should-retry')).not.toBe('false')
      expect(callsOf(first)).toBe(1)
      expect(asked.log).toMatchObject({ ending: 'failed', status_code: status })
      expect(asked.log.attempts).toMatchObject([
        { status_code: status, error_class: fault.errorClass, reason: 'requested', is_retry: false },
      ])
      expect(asked.tookMs).toBeLessThan(5_000)
    })

    test.for(fitting.map((fault) => [fault.name, fault] as const))('%s, with another', async ([, fault]) => {
      const number = ++scripted
      const [first, second] = [`first${number}`, `second${number}`]
      gateway.upstream.script(first, fault.step)
      const parameters = { fallback_models: [`fake/${second}`] }
      const asked = await askIn(gateway, client, { model: `fake/${first}`, stream, parameters })
      const { status } = fault
      const failed = { status_code: status, error_class: fault.errorClass, reason: 'requested' }
      expect(asked.status).toBe(fault.moves ? 200 : status)
      expect(asked.headers.get('x-sluice-attempts')).toBe(fault.moves ? '2' : '1')
      expect([callsOf(first), callsOf(second)]).toEqual([1, fault.moves ? 1 : 0])
      expect(asked.log.attempts).toMatchObject([
        failed,
        ...(fault.moves
          ? [{ status_code: 200, deployment_name: second, reason: 'fallback:request', waited: 0 }]
          : []),
      ])
      if (fault.moves) expect(asked.text).toContain('echo:')
      expect(asked.log.ending).toBe(fault.moves ? 'completed' : 'failed')
      expect(asked.tookMs).toBeLessThan(5_000)
    })
  })
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
    const asked = await askIn(gateway, 'chat', { model: 'fake/window-first', parameters })
    expect(asked.status).toBe(200)
    expect(asked.log.attempts.map(({ deployment_name }) => deployment_name)).toEqual([
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
      const asked = await askIn(gateway, client, { model: `fake/${first}`, headers })
      expect([asked.status, callsOf(second)]).toEqual([500, 0])
      const { 'x-no-fallback': _, ...others } = headers
      const again = await askIn(gateway, client, { model: `fake/${first}`, headers: others })
      expect([again.status, callsOf(second)]).toEqual([200, 1])
    },
  )
})
