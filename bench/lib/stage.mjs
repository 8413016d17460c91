import { randomBytes } from 'node:crypto'
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildWorker, readConfig, wranglerEnvironment } from './build.mjs'
import { chatRequest } from './chat.mjs'
import { asker, closeChild, scratchFolder, startChild } from './children.mjs'
import { cpuMicros, modernNode, moveSelf, onCore, placement } from './machine.mjs'
import { provision } from './provision.mjs'
import { median } from './statistics.mjs'
import { floorWorker, gatewayAlone, gatewayWorker, keptWorker, startWorkerd } from './workerd.mjs'

const GATEWAY_CONFIG = 'wrangler.toml'
const CONSUMER_CONFIG = 'src/consumer/wrangler.toml'

/** Builds both deployable workers into a scratch folder, before anything is pinned or running. */
export function buildAll(root, options) {
  const folder = scratchFolder()
  const build = (name, file) => {
    const config = readConfig(root, file)
    const out = join(folder, name)
    mkdirSync(out)
    return { name, config, build: buildWorker(root, config, out, options) }
  }
  return { folder, gateway: build('gateway', GATEWAY_CONFIG), consumer: build('consumer', CONSUMER_CONFIG) }
}

/**
 * Starts mock upstream, services, floor and gateway, and sets the gateway up. Resolves to the targets
 * `{ name, port, pid, apiKey }`, with `cached` and `limited` those for the response cache and for limits too, and to the questions that can be asked
 * of the mock and the services.
 */
export async function setStage(root, built, { inspector = false, cached = false, limited = false } = {}) {
  const cores = placement()
  moveSelf(cores.load)
  const upstream = await startHelper('upstream', process.execPath, ['upstream.mjs'], cores)
  const secrets = {
    ADMIN_KEY: `admin-${randomBytes(12).toString('hex')}`,
    ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    ALLOW_PRIVATE_UPSTREAMS: 'true',
  }
  const socketPath = join(built.folder, 'services.sock')
  const services = await startServices(root, built, secrets, socketPath, cores)

  const { config, build } = built.gateway
  const gateway = gatewayWorker(built.gateway, built.consumer, secrets, socketPath)
  const floor = floorWorker(join(built.folder, 'floor'), config, upstream.value)
  const floorRun = await startWorkerd(root, floor, { core: cores.worker })
  const gatewayRun = await startWorkerd(root, gateway, { core: cores.worker, inspector })
  const cacheRuns = cached ? await startCacheTargets() : []
  const askingRuns = limited ? [await startVariant('asking', { LIMIT_LEASES: 'off' })] : []
  // The gateway with other variables, beside the gateway as it is.
  async function startVariant(role, variables) {
    const folder = join(built.folder, role)
    cpSync(build.folder, folder, { recursive: true })
    const copy = { ...built.gateway, build: { ...build, folder } }
    const worker = gatewayWorker(copy, built.consumer, { ...secrets, ...variables }, socketPath)
    const run = await startWorkerd(root, worker, { core: cores.worker })
    return { name: role, role, ...run, logged: true, rewritten: true }
  }
  // A worker that returns bytes from KV, and the gateway without a memory of answers.
  async function startCacheTargets() {
    const kept = keptWorker(join(built.folder, 'kept'), config, upstream.value, socketPath)
    const keptRun = await startWorkerd(root, kept, { core: cores.worker })
    return [
      { name: 'kept', role: 'kept', ...keptRun, apiKey: 'upstream-key' },
      await startVariant('forgetful', { CACHE_MEMORY_BYTES: '1' }),
    ]
  }
  const keys = await provision({
    port: gatewayRun.port,
    adminKey: secrets.ADMIN_KEY,
    upstreamPort: upstream.value,
    probe: chatRequest({ kind: 'reply-1k', requestBytes: 1024 }).toString(),
  })
  const targets = [
    { name: 'direct', port: upstream.value, apiKey: 'upstream-key' },
    { name: 'floor', port: floorRun.port, pid: floorRun.pid, apiKey: 'upstream-key' },
    { name: 'gateway', ...gatewayRun, ...keys, logged: true, rewritten: true },
    ...[...cacheRuns, ...askingRuns].map((target) => ({ ...keys, ...target })),
  ]
  const waits = (built.consumer.config.queues.consumers ?? []).map((queue) => queue.max_batch_timeout ?? 5)
  const batchSeconds = Math.max(1, ...waits)
  return {
    cores,
    targets,
    batchSeconds,
    askUpstream: upstream.ask,
    askServices: services.ask,
    plans: { floor, gateway: gatewayAlone(gateway) },
  }
}

/** CPU in ms that the gateway costs workerd up to listening, above the floor: the median of five starts. */
export async function startupCost(root, { cores, plans }) {
  const costs = { floor: [], gateway: [] }
  for (let i = 0; i < 5; i++) {
    for (const name of ['floor', 'gateway']) {
      const { child, pid } = await startWorkerd(root, plans[name], { core: cores.worker })
      costs[name].push(cpuMicros(pid) / 1000)
      await closeChild(child)
    }
  }
  return median(costs.gateway) - median(costs.floor)
}

async function startServices(root, built, secrets, socketPath, cores) {
  const settings = join(built.folder, 'services.json')
  const { config } = built.gateway
  writeFileSync(
    settings,
    JSON.stringify({ gateway: config, consumer: built.consumer.config, variables: secrets }),
  )
  const args = ['../services/main.mjs', root, socketPath, settings]
  return startHelper('services', modernNode(root), args, cores)
}

async function startHelper(name, node, [script, ...more], cores) {
  const file = fileURLToPath(new URL(script, import.meta.url))
  const stdio = ['ignore', 'ignore', 'inherit', 'ipc']
  const child = startChild(name, ...onCore(cores.load, node, [file, ...more]), {
    stdio,
    env: wranglerEnvironment,
  })
  const ready = await new Promise((resolve) => child.once('message', resolve))
  return { child, value: ready.value, ask: asker(child) }
}
