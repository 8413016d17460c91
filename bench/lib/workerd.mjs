import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { createInterface } from 'node:readline'
import { startChild } from './children.mjs'
import { dyingWithUs, onCore } from './machine.mjs'

const text = (value) => JSON.stringify(String(value)) // a Cap'n Proto string literal reads like a JSON one

/**
 * Starts bare `workerd serve` with one worker and resolves to `{ pid, port, inspector }` when it listens.
 * `worker` is `{ name, build, config, bindings, services }`, and with a second worker `consumer` and `actors`, its classes.
 */
export async function startWorkerd(root, worker, { core, inspector = false } = {}) {
  const { folder } = worker.build
  const file = join(folder, 'config.capnp')
  writeFileSync(file, configText(worker))
  const binary = join(root, 'node_modules/workerd/bin/workerd')
  const args = ['serve', file, '--control-fd=3', ...(inspector ? ['--inspector-addr=127.0.0.1:0'] : [])]
  const stdio = ['ignore', 'inherit', 'pipe', 'pipe']
  const child = startChild(worker.name, ...dyingWithUs(onCore(core, binary, args)), { stdio })
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (!/became the default as of/.test(line)) console.error(`[${worker.name}] ${line.slice(0, 500)}`)
  })
  const events = createInterface({ input: child.stdio[3] })
  const ready = { child, pid: child.pid }
  for await (const line of events) {
    const event = JSON.parse(line)
    if (event.event === 'listen-inspector') ready.inspector = event.port
    if (event.event === 'listen') ready.port = event.port
    if (ready.port && (ready.inspector || !inspector)) return ready
  }
  return new Promise(() => {}) // it died, and `startChild` is ending the bench
}

/** The floor worker, under the compatibility settings of the gateway. */
export function floorWorker(folder, config, upstreamPort) {
  mkdirSync(folder, { recursive: true })
  copyFileSync(new URL('floor.mjs', import.meta.url), join(folder, 'floor.mjs'))
  const bindings = [`(name = "UPSTREAM", text = "127.0.0.1:${upstreamPort}")`]
  return {
    name: 'floor',
    build: { folder, modules: ['floor.mjs'] },
    config,
    bindings,
    services: [],
  }
}

/** A worker that returns bytes from the same KV, behind the same socket. */
export function keptWorker(folder, config, upstreamPort, socketPath) {
  mkdirSync(folder, { recursive: true })
  copyFileSync(new URL('kept.mjs', import.meta.url), join(folder, 'kept.mjs'))
  const bindings = [
    `(name = "UPSTREAM", text = "127.0.0.1:${upstreamPort}")`,
    `(name = "CACHE", kvNamespace = "remote:CACHE")`,
  ]
  const services = [remoteService('CACHE', socketPath)]
  return { name: 'kept', build: { folder, modules: ['kept.mjs'] }, config, bindings, services }
}

// Told apart by a request header.
function remoteService(name, socketPath) {
  const header = `injectRequestHeaders = [(name = "x-bench-binding", value = ${text(name)})]`
  const address = `address = ${text(`unix:${socketPath}`)}`
  return `(name = ${text(`remote:${name}`)}, external = (${address}, http = (${header})))`
}

/**
 * The gateway with every binding of its wrangler.toml. The consumer worker, which has the Durable Objects' classes and
 * answers the management API, is a second service of the same process; everything that is a service elsewhere in
 * production is behind `socketPath`.
 */
export function gatewayWorker(gateway, consumer, variables, socketPath) {
  const remotes = new Map()
  const remote = (name) => {
    remotes.set(name, remoteService(name, socketPath))
    return text(`remote:${name}`)
  }
  const { config } = gateway
  const actors = consumer.config.durable_objects.bindings.map(({ class_name }) => class_name)
  // Classes without a binding of the consumer's own are only the gateway's to call.
  const classes = [...new Set([...actors, ...config.durable_objects.bindings.map((one) => one.class_name)])]
  const others = config.services.map(({ binding, entrypoint }) =>
    bind(binding, `service = (name = "consumer", entrypoint = ${text(entrypoint)})`),
  )
  const bindings = [...storage(config, variables, remote), ...others, ...actorBindings(config)]
  return {
    name: 'gateway',
    build: gateway.build,
    config,
    bindings,
    consumer: {
      folder: consumer.build.folder,
      modules: consumer.build.modules,
      config: consumer.config,
      bindings: [...storage(consumer.config, variables, remote), ...actorBindings(consumer.config)],
    },
    services: [...remotes.values()],
    actors: classes,
  }
}

const bind = (name, value) => `(name = ${text(name)}, ${value})`

function storage(config, variables, remote) {
  const d1 = (name) => `wrapped = (moduleName = "cloudflare-internal:d1-api",
      innerBindings = [(name = "fetcher", service = ${remote(name)})])`
  const assets = config.assets?.binding
  return [
    ...Object.entries({ ...config.vars, ...variables }).map(([name, value]) => bind(name, variable(value))),
    ...config.d1_databases.map(({ binding }) => bind(binding, d1(binding))),
    ...config.kv_namespaces.map(({ binding }) => bind(binding, `kvNamespace = ${remote(binding)}`)),
    ...config.r2_buckets.map(({ binding }) => bind(binding, `r2Bucket = ${remote(binding)}`)),
    ...(config.queues.producers ?? []).map(({ binding }) => bind(binding, `queue = ${remote(binding)}`)),
    ...(assets === undefined ? [] : [bind(assets, 'service = "no-assets"')]),
  ]
}

function actorBindings({ durable_objects }) {
  return durable_objects.bindings.map(({ name, class_name }) =>
    bind(name, `durableObjectNamespace = (className = ${text(class_name)}, serviceName = "consumer")`),
  )
}

/** The same gateway beside a consumer that does nothing: what it costs to start by itself. */
export function gatewayAlone(worker) {
  const classes = ['Management', ...worker.actors]
  const source = `import { DurableObject, WorkerEntrypoint } from 'cloudflare:workers'
${classes.map((name, index) => `export class ${name} extends ${index === 0 ? 'WorkerEntrypoint' : 'DurableObject'} {}`).join('\n')}`
  return { ...worker, consumer: { ...worker.consumer, source, bindings: [] } }
}

const variable = (value) =>
  typeof value === 'string' ? `text = ${text(value)}` : `json = ${text(JSON.stringify(value))}`

function configText({ build, config, bindings, services, consumer, actors }) {
  const disk = join(build.folder, 'durable-objects')
  mkdirSync(disk, { recursive: true })
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    ${consumer === undefined ? '' : '(name = "consumer", worker = .consumer),'}
    (name = "internet", network = (allow = ["public", "private"])),
    (name = "disk", disk = (path = ${text(disk)}, writable = true)),
    (name = "no-assets", worker = .noAssets),
    ${services.join(',\n    ')}
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")]
);
const main :Workerd.Worker = (
  modules = [${build.modules.map((name) => moduleText(name, name)).join(', ')}],
  compatibilityDate = ${text(config.compatibility_date)},
  compatibilityFlags = [${config.compatibility_flags.map(text).join(', ')}],
  bindings = [
    ${bindings.join(',\n    ')}
  ]
);
${consumer === undefined ? '' : consumerText(consumer, build.folder, actors)}
const noAssets :Workerd.Worker = (
  modules = [(
    name = "main",
    esModule = "export default { fetch: () => new Response(null, { status: 404 }) }"
  )],
  compatibilityDate = ${text(config.compatibility_date)}
);
`
}

function consumerText({ folder, modules, source, config, bindings }, beside, actors) {
  const namespaces = actors.map(
    (name) => `(className = ${text(name)}, uniqueKey = ${text(`bench-${name}`)}, enableSql = true)`,
  )
  const own =
    source === undefined
      ? modules.map((name) => moduleText(name, relative(beside, join(folder, name))))
      : [`(name = "main", esModule = ${text(source)})`]
  return `const consumer :Workerd.Worker = (
  modules = [${own.join(', ')}],
  compatibilityDate = ${text(config.compatibility_date)},
  compatibilityFlags = [${config.compatibility_flags.map(text).join(', ')}],
  durableObjectNamespaces = [${namespaces.join(', ')}],
  durableObjectStorage = (localDisk = "disk"),
  bindings = [
    ${bindings.join(',\n    ')}
  ]
);`
}

function moduleText(name, path) {
  const kind = { wasm: 'wasm', txt: 'text', html: 'text', sql: 'text', bin: 'data' }[name.split('.').pop()]
  return `(name = ${text(name)}, ${kind ?? 'esModule'} = embed ${text(path)})`
}
