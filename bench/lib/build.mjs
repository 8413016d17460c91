import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { modernNode } from './machine.mjs'

const OFFLINE = {
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_HIDE_BANNER: 'true',
  CI: 'true',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  NO_COLOR: '1',
}

/** The environment in which wrangler asks nothing and calls nobody. */
export const wranglerEnvironment = { ...process.env, ...OFFLINE }

/** A wrangler configuration as wrangler itself understands it. */
export function readConfig(root, file) {
  const script = fileURLToPath(new URL('read-config.mjs', import.meta.url))
  return JSON.parse(run(root, [script, join(root, file)]))
}

/** Builds a worker as `wrangler deploy` would; returns its modules, the main one first. */
export function buildWorker(root, config, folder, { minify = true } = {}) {
  const assets = emptyAssets(config, folder)
  const flags = minify ? ['--minify', ...assets] : assets
  runWrangler(root, ['deploy', '--dry-run', '--outdir', folder, '-c', config.configPath, ...flags])
  const main = `${basename(config.main).replace(/\.[cm]?[jt]sx?$/, '')}.js`
  const modules = readdirSync(folder).filter((name) => !/\.map$|^README\.md$|^assets$/.test(name))
  if (!modules.includes(main)) throw new Error(`no ${main} in the build of ${config.configPath}`)
  return { folder, modules: [main, ...modules.filter((name) => name !== main)] }
}

/** What would be uploaded: bytes of all modules, plain and gzip. */
export function sizeOf({ folder, modules }) {
  const bytes = Buffer.concat(modules.map((name) => readFileSync(join(folder, name))))
  return { bytes: bytes.length, gzip: gzipSync(bytes).length }
}

/** Start-up CPU in ms as `wrangler check startup` profiles it; undefined when it cannot. */
export function startupProfile(root, config, folder) {
  const outfile = join(folder, 'startup.cpuprofile')
  const assets = emptyAssets(config, folder)
  const more = assets.length > 0 ? ['--args', assets.join(' ')] : []
  try {
    const text = runWrangler(root, [
      'check',
      'startup',
      '--outfile',
      outfile,
      '-c',
      config.configPath,
      ...more,
    ])
    const active = /Active: ([\d.]+) ms/.exec(text)?.[1]
    return active === undefined ? undefined : Number(active)
  } catch {
    return undefined
  }
}

// The dashboard is built apart; its files are served outside the worker and are no part of these figures.
function emptyAssets(config, folder) {
  const directory = config.assets?.directory
  if (directory === undefined || existsSync(join(dirname(config.configPath), directory))) return []
  const empty = join(folder, 'assets')
  mkdirSync(empty, { recursive: true })
  return ['--assets', empty]
}

function runWrangler(root, args) {
  return run(root, [join(root, 'node_modules/wrangler/bin/wrangler.js'), ...args])
}

function run(root, args) {
  const options = { cwd: root, env: wranglerEnvironment, encoding: 'utf8', maxBuffer: 64 << 20 }
  const { status, stdout, stderr } = spawnSync(modernNode(root), args, options)
  if (status !== 0) throw new Error(`${args.slice(0, 3).join(' ')} failed:\n${stdout}\n${stderr}`)
  return stdout
}
