/** Installs the dependencies when they are missing or are not those of package-lock.json. */
import { spawn } from 'node:child_process'
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { collect, onStop } from './processes.mjs'

const flags = ['--loglevel=error', '--no-audit', '--no-fund', '--include=dev', '--include=optional']

/** Brings node_modules up to date. Of several runs at once, one installs and the others wait for it. */
export async function ensureInstalled(root) {
  if (isInstalled(root)) return
  const release = await lock(join(root, '.wrangler'))
  try {
    if (!isInstalled(root)) await install(root)
  } finally {
    release()
  }
}

// npm writes node_modules/.package-lock.json at the end of an install: it tells what is really there.
function isInstalled(root) {
  const wanted = packagesOf(join(root, 'package-lock.json'))
  const found = packagesOf(join(root, 'node_modules/.package-lock.json'))
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    if (path === '' || (optional && found[path] === undefined)) return true
    return found[path]?.version === version
  })
}

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages
  } catch {
    return {}
  }
}

async function install(root) {
  console.log('Installing the dependencies, about half a minute ...')
  const ci = await npm(root, ['ci', ...flags])
  if (ci.code === 0) return
  // A registry may lack a binary that the lock file has for another platform; `npm ci` then refuses outright.
  if (!/EUSAGE|E404|ETARGET/.test(ci.output)) throw new Error(`npm ci failed:\n${ci.output}`)
  console.log('`npm ci` refuses package-lock.json on this machine; trying `npm install --no-save` ...')
  const other = await npm(root, ['install', '--no-save', ...flags])
  if (other.code !== 0) throw new Error(`npm ci failed:\n${ci.output}\nnpm install failed:\n${other.output}`)
}

async function npm(root, args) {
  const child = spawn('npm', args, { cwd: root, shell: process.platform === 'win32' })
  const release = onStop((signal) => child.kill(signal))
  const output = collect(child)
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  }).finally(release)
  return { code, output: output() }
}

// A file that only one process can create. One left behind by a process that is gone does not count.
async function lock(folder) {
  const file = join(folder, 'install.lock')
  const mine = `${file}.${process.pid}`
  mkdirSync(folder, { recursive: true })
  writeFileSync(mine, String(process.pid))
  try {
    while (!tryLink(mine, file)) {
      const holder = holderOf(file)
      if (holder !== undefined && !isAlive(holder)) rmSync(file, { force: true })
      else await sleep(200)
    }
  } finally {
    rmSync(mine, { force: true })
  }
  return () => rmSync(file, { force: true })
}

function tryLink(from, to) {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  }
}

function holderOf(file) {
  try {
    return Number(readFileSync(file, 'utf8'))
  } catch {
    return undefined // released in between
  }
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error.code === 'EPERM'
  }
}
