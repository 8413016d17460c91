import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const running = new Set()
const folders = new Set()

/**
 * Starts a child in a process group of its own, so that it can be ended together with what it started.
 * A child that dies before it is told to ends the whole bench: figures without it would mean nothing.
 */
export function startChild(name, command, args, options = {}) {
  const child = spawn(command, args, { ...options, detached: true })
  running.add(child)
  child.on('error', (error) => die(`${name} did not start: ${error.message}`))
  child.on('exit', (code, signal) => {
    if (running.delete(child)) die(`${name} ended by itself (${signal ?? `code ${code}`})`)
  })
  return child
}

/** A new folder in the system's temporary folder, removed when the bench ends. */
export function scratchFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
  folders.add(folder)
  return folder
}

/** Asks a child that has an IPC channel to close down, then makes sure that its whole group is gone. */
export async function closeChild(child) {
  if (!running.delete(child)) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  if (child.connected) child.send({ op: 'close' })
  else child.kill('SIGTERM')
  const timer = setTimeout(() => killGroup(child, 'SIGKILL'), 3000)
  await ended
  clearTimeout(timer)
  killGroup(child, 'SIGKILL')
}

/**
 * Makes every way out of this process (end, error, Ctrl-C) take the children and folders along. When it is
 * killed outright, helpers end because their channel closes, and workerd by its parent-death signal.
 */
export function cleanUpOnExit() {
  process.on('exit', () => {
    for (const child of running) killGroup(child, 'SIGKILL')
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  })
  process.on('SIGINT', () => process.exit(130))
  process.on('SIGTERM', () => process.exit(143))
  process.on('SIGHUP', () => process.exit(129))
  process.on('uncaughtException', (error) => die(error.stack))
  process.on('unhandledRejection', (error) => die(error?.stack ?? String(error)))
}

function die(message) {
  console.error(`bench: ${message}`)
  process.exit(1)
}

function killGroup(child, signal) {
  try {
    process.kill(-child.pid, signal)
  } catch {
    // The group is gone already.
  }
}

/** Question and answer over a child's IPC channel: `const ask = asker(child); await ask('rows')`. */
export function asker(child) {
  const waiting = new Map()
  let last = 0
  child.on('message', ({ id, value, error }) => {
    const promise = waiting.get(id)
    waiting.delete(id)
    if (error) promise?.reject(new Error(error))
    else promise?.resolve(value)
  })
  return (op, data) =>
    new Promise((resolve, reject) => {
      last += 1
      waiting.set(last, { resolve, reject })
      child.send({ id: last, op, data })
    })
}

/** The other end of `asker`: answers each `op` with the handler of that name; ends when the bench is gone. */
export function answer(handlers, close) {
  const end = async () => {
    await close?.()
    process.exit(0)
  }
  process.on('disconnect', end)
  process.on('message', async ({ id, op, data }) => {
    if (op === 'close') return end()
    try {
      process.send({ id, value: await handlers[op](data) })
    } catch (error) {
      process.send({ id, error: error.stack ?? String(error) })
    }
  })
}
