import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { answer, endlessDrip } from '../fakes'
import { keepStorageIn } from './direct'
import { type Gateway, startGateway, user } from './gateway'

/** A reservation lives for the two together; that of the model `long` for an hour. */
const variables = { TOTAL_TIMEOUT_MS: '5000', LIMITS_GRACE_MS: '1000' }
const folder = mkdtempSync(join(tmpdir(), 'sluice-killed-'))
let gateway: Gateway

beforeAll(async () => {
  keepStorageIn(folder)
  gateway = await startGateway(variables)
})
afterAll(async () => {
  await gateway.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Ends the workerd processes that this one started, with no chance to say anything. */
function killWorkerd(): number {
  const processes = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,comm=']).toString().trim().split('\n')
  const mine = processes
    .map((line) => line.trim().split(/\s+/))
    .filter(([, parent, command = '']) => Number(parent) === process.pid && command.includes('workerd'))
  for (const [pid] of mine) process.kill(Number(pid), 'SIGKILL')
  return mine.length
}

/** How many tokens the customer has, and that it may ask one thing at a time. */
async function limited(subject: string, value: number): Promise<void> {
  for (const given of [
    { metric: 'tokens', window: 'total', value },
    { metric: 'concurrency', value: 1 },
    { metric: 'requests', window: 'total', value: 100 },
  ]) {
    const limit = { name: `${given.metric} of ${subject}`, scope: 'customer', subject, ...given }
    expect((await gateway.manage('POST', '/api/limits/', limit)).status).toBe(201)
  }
}

/** `used/reserved` of a customer, by metric. */
async function standing(subject: string): Promise<Record<string, string>> {
  const { body } = await gateway.manage('GET', '/api/limits/?page_size=100')
  const limits = body.results as Record<string, unknown>[]
  const own = limits.filter((limit) => limit.subject === subject)
  return Object.fromEntries(own.map(({ metric, used, reserved }) => [metric, `${used}/${reserved}`]))
}

/** The same, once nothing of it runs any more. */
async function ended(subject: string): Promise<Record<string, string>> {
  for (const until = Date.now() + 20_000; Date.now() < until; await sleep(200))
    if ((await standing(subject)).concurrency === '0/0') break
  return await standing(subject)
}

const asked = (model: string) => ({
  ...{ model: `fake/${model}`, customer_identifier: model, max_tokens: 300 },
  messages: user('hello there'),
})

/** A stream whose first bytes are here, and what it reserved of the customer's tokens. */
async function streaming(model: string, value: number): Promise<number> {
  gateway.upstream.script(model, endlessDrip(10))
  const body = JSON.stringify({ ...asked(model), stream: true })
  const response = await gateway.fetch('/v1/chat/completions', { method: 'POST', body })
  expect(response.status).toBe(200)
  const reader = response.body?.getReader()
  expect((await reader?.read())?.value?.byteLength).toBeGreaterThan(0)
  // It will break.
  reader?.closed.catch(() => undefined)
  return value - Number(response.headers.get('x-ratelimit-remaining-tokens'))
}

test('a worker that is killed in the middle of streams leaves reservations that stand, expire and are charged', async () => {
  const value = 700
  const long = {
    model_name: 'fake/long',
    provider_id: 'fake',
    upstream_model: 'long',
    timeouts: { total: 3_600 },
  }
  await gateway.manage('POST', '/api/models/', long)
  for (const subject of ['long', 'short']) await limited(subject, value)
  const held = await streaming('long', value)
  expect(held).toBeGreaterThan(300)
  expect(await streaming('short', value)).toBe(held)
  expect(await standing('short')).toEqual({ tokens: `0/${held}`, concurrency: '0/1', requests: '0/1' })

  expect(killWorkerd()).toBeGreaterThan(0)
  await expect(gateway.fetch('/health')).rejects.toThrow()
  await gateway.close()
  gateway = await startGateway(variables)

  // One that may still run is reserved as before, and takes its place.
  expect(await standing('long')).toEqual({ tokens: `0/${held}`, concurrency: '0/1', requests: '0/1' })
  const refused = await gateway.chat(asked('long'))
  expect(refused.status).toBe(429)
  expect(refused.text).toContain('concurrency of long')

  // One that cannot run any more is charged as reserved, and its place is free.
  expect(await ended('short')).toEqual({ tokens: `${held}/0`, concurrency: '0/0', requests: '1/0' })

  // What is left can be used, and no more than that.
  gateway.upstream.script('short', answer())
  const { logId, status } = await gateway.chat(asked('short'))
  expect(status).toBe(200)
  const { usage } = await gateway.logOf(logId)
  const taken = Number(usage?.input_tokens) + Number(usage?.output_tokens)
  expect(await ended('short')).toEqual({
    tokens: `${held + taken}/0`,
    concurrency: '0/0',
    requests: '2/0',
  })
  const more = await gateway.chat({ ...asked('short'), max_tokens: value - held })
  expect([more.status, more.text.includes('tokens of short')]).toEqual([429, true])
}, 90_000)
