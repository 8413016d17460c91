// Process B: what is a service outside the worker in production. A test harness with the real consumer and
// local D1, KV, R2 and Queues, behind a socket on which the measured workerd speaks its internal protocols.
// Run with a Node that wrangler accepts: `main.mjs ROOT SOCKET CONFIG_JSON_FILE`.
import { readFileSync, rmSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createTestHarness } from 'wrangler'
import { answer } from '../lib/children.mjs'
import { carryOut, serveBindings } from './front.mjs'
import { heldMessages } from './held-messages.mjs'
import { heldObjects } from './held-objects.mjs'

const [root, socketPath, settingsFile] = process.argv.slice(2)
const { gateway, consumer, variables } = JSON.parse(readFileSync(settingsFile, 'utf8'))

const databases = gateway.d1_databases.map((database) => ({
  ...database,
  migrations_dir: resolve(dirname(gateway.configPath), database.migrations_dir ?? 'migrations'),
}))
// The gateway itself, and what it binds of the consumer, are in the measured process.
const producers = [...(gateway.queues.producers ?? []), ...(consumer.queues.producers ?? [])]
const bridge = {
  name: gateway.name,
  main: fileURLToPath(new URL('bridge.mjs', import.meta.url)),
  compatibility_date: gateway.compatibility_date,
  d1_databases: databases,
  kv_namespaces: gateway.kv_namespaces,
  r2_buckets: gateway.r2_buckets,
  queues: { producers: gateway.queues.producers ?? [] },
}
const harness = createTestHarness({
  root,
  // The counters are in the measured process.
  workers: [
    { config: bridge },
    { config: { ...consumer, durable_objects: { bindings: [] }, migrations: [] }, vars: variables },
  ],
})
answer({ settle }, close)

const { url } = await harness.listen()
const worker = harness.getWorker(gateway.name)
for (const { binding } of databases) await worker.applyD1Migrations(binding)
const env = await worker.getEnv()
const held = heldMessages(env)
const queues = new Set(producers.map(({ binding }) => binding))
const buckets = new Set(gateway.r2_buckets.map(({ binding }) => binding))
const heldPuts = heldObjects((request) => carryOut(url, request))
await serveBindings({ socketPath, bridgeUrl: url, queues, buckets, held, heldPuts })

const rows = async () => (await env.LOGS.prepare('select count(*) as n from request_logs').first()).n

/** Hands what is held to the real bucket and queue, then waits for so many rows, or for no more to come. */
async function settle({ expected, patienceMs }) {
  // The bodies before the messages that name them.
  await heldPuts.release()
  await held.release()
  let found = await rows()
  let changed = Date.now()
  while (found < expected && Date.now() - changed < patienceMs) {
    await new Promise((next) => setTimeout(next, 100))
    const now = await rows()
    if (now !== found) changed = Date.now()
    found = now
  }
  return found
}

process.send({ id: 'ready', value: url.href })

// The folder too: the bench that made it may have been killed.
async function close() {
  await harness.close()
  rmSync(dirname(socketPath), { recursive: true, force: true })
}
