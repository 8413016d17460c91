import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import { join } from 'node:path'

/**
 * Which core takes what: the worker that is measured alone on one, everything else on another.
 * Without `taskset` or a second core nothing is pinned, and the figures are rougher.
 */
export function placement() {
  const cores = allowedCores()
  const found = spawnSync('taskset', ['-V']).status === 0
  return found && cores.length > 1 ? { load: cores[0], worker: cores[1] } : {}
}

function allowedCores() {
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '0'
  return list.split(',').flatMap((range) => {
    const [from, to = from] = range.split('-').map(Number)
    return Array.from({ length: to - from + 1 }, (_, i) => from + i)
  })
}

/** A command line that runs on that core; unchanged when nothing is pinned. */
export function onCore(core, command, args) {
  return core === undefined ? [command, args] : ['taskset', ['-c', String(core), command, ...args]]
}

/** A command line that is killed when this process dies, where Linux can do that. */
export function dyingWithUs([command, args]) {
  const prefix = ['--pdeathsig', 'KILL']
  const isPossible = spawnSync('setpriv', [...prefix, 'true']).status === 0
  return isPossible ? ['setpriv', [...prefix, command, ...args]] : [command, args]
}

/** Moves this process (and the children it starts from now on) to that core. */
export function moveSelf(core) {
  if (core !== undefined) spawnSync('taskset', ['-acp', String(core), String(process.pid)])
}

/**
 * CPU time of a process and its descendants in microseconds, user and system, all threads.
 * The scheduler's nanosecond account is preferred: utime and stime tick in 10 ms steps.
 */
export function cpuMicros(pid) {
  let sum = 0
  for (const id of processTree(pid)) sum += scheduledMicros(id) ?? tickMicros(id)
  return sum
}

function processTree(pid) {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) => {
    const file = `/proc/${pid}/task/${task}/children`
    return existsSync(file) ? readFileSync(file, 'latin1').split(' ').filter(Boolean).map(Number) : []
  })
  return [pid, ...children.flatMap(processTree)]
}

function scheduledMicros(pid) {
  try {
    return readdirSync(`/proc/${pid}/task`).reduce((sum, task) => {
      return sum + Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'latin1').split(' ')[0]) / 1000
    }, 0)
  } catch {
    return undefined // a kernel without CONFIG_SCHED_INFO
  }
}

function tickMicros(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}

/**
 * How long a core has been busy since the machine started, with whatever process, in microseconds. Without
 * interrupts: those of our own traffic are not in any process's account either.
 */
export function coreBusyMicros(core) {
  if (core === undefined) return undefined
  const line = new RegExp(`^cpu${core} (.*)$`, 'm').exec(readFileSync('/proc/stat', 'latin1'))[1]
  const [user, nice, system, , , , , steal] = line.trim().split(' ').map(Number)
  return (user + nice + system + steal) * 10_000
}

/** Waits until a process has done nothing worth counting for a while: logs sent, timers run out. */
export async function untilQuiet(pid, { idleMs = 240, limitMs = 5000 } = {}) {
  const step = 60
  let before = cpuMicros(pid)
  for (let waited = 0, idle = 0; idle < idleMs && waited < limitMs; waited += step) {
    await new Promise((resolve) => setTimeout(resolve, step))
    const now = cpuMicros(pid)
    idle = now - before < 1000 ? idle + step : 0
    before = now
  }
}

/** The Node that wrangler needs (22 or later): the one in node_modules, or this one. */
export function modernNode(root) {
  const local = join(root, 'node_modules/.bin/node')
  if (existsSync(local)) return local
  if (Number(process.versions.node.split('.')[0]) >= 22) return process.execPath
  throw new Error('wrangler needs Node 22 or later: run `npm ci`, which brings one along')
}

/** One line about the machine, to be kept beside the figures. */
export function describeMachine({ load, worker }) {
  const memory = Math.round(totalmem() / 2 ** 30)
  const pins = worker === undefined ? 'not pinned' : `worker on core ${worker}, the rest on core ${load}`
  return `${cpus().length} x ${cpus()[0].model.trim()}, ${memory} GiB, Linux ${release()}, ${pins}`
}
