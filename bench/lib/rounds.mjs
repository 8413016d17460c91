import { logProblem, problemOf } from './checks.mjs'
import { runLoad } from './load.mjs'
import { cpuMicros, untilQuiet } from './machine.mjs'
import { scenarios as all, expectationOf, payloadOf, targetsOf } from './scenarios.mjs'
import { median, percentile } from './statistics.mjs'

const LOG_PATIENCE_MS = 3000
const SLICES = 4

/**
 * Measures every scenario on every target, the targets beside each other within each round. Returns the
 * cells, why a target must not be reported (by name), and the log rows found against those expected.
 */
export async function runRounds({ stage, scenarios, rounds, share, say }) {
  const session = { stage, share, cells: [], refused: new Map(), sent: 0 }
  await settleLogs(session)
  await warmUp(session, say)
  for (let round = 1; round <= rounds; round++) {
    for (const scenario of scenarios) {
      say(`round ${round} of ${rounds}: ${scenario.name}`)
      const targets = targetsOf(scenario, stage.targets).filter(({ name }) => !session.refused.has(name))
      await measure(session, scenario, targets, round)
    }
    say(`round ${round} of ${rounds}: waiting for the consumer`)
    await checkLogs(session, round === rounds)
  }
  const { cells, refused, logs } = session
  return { cells, refused, logs }
}

// Lets the set-up's own log rows arrive, so that only the load's are counted.
async function settleLogs(session) {
  session.baseline = await logRows(session, Number.MAX_SAFE_INTEGER)
}

// The rows in D1 once there are so many, or once the consumer's queue can hold no more.
function logRows({ stage }, expected) {
  return stage.askServices('settle', { expected, patienceMs: stage.batchSeconds * 1000 + LOG_PATIENCE_MS })
}

async function warmUp(session, say) {
  for (const target of session.stage.targets.filter(({ role }) => role !== 'kept')) {
    say(`warm-up: ${target.name}`)
    for (const scenario of all.filter(({ extra, cached }) => !extra && !cached)) {
      const part = scenario.name === 'json-1k' ? 1 : 0.1
      await load(session, scenario, target, Math.ceil(scenario.requests * session.share * part))
    }
    if (target.pid) await untilQuiet(target.pid)
  }
}

function load(session, scenario, target, requests) {
  if (target.logged) session.sent += requests
  const payload = payloadOf(scenario, target)
  const { connections } = scenario
  const expect = expectationOf(scenario, target)
  return runLoad({ port: target.port, connections, requests, payload, expect })
}

// The targets take turns within a scenario, a slice of its requests at a time: a neighbour on the machine
// that is busy for a second then slows all of them, and the ratio stands.
async function measure(session, scenario, targets, round) {
  const perSlice = Math.max(scenario.connections, Math.round((scenario.requests * session.share) / SLICES))
  const runs = targets.map((target) => ({ target, samples: [], bad: [], seconds: 0, cpu: 0, seen: {} }))
  for (const run of runs) await load(session, scenario, run.target, perSlice)
  for (let slice = 0; slice < SLICES; slice++) {
    for (const run of slice % 2 === 0 ? runs : runs.toReversed()) {
      await takeSlice(session, scenario, run, perSlice)
    }
  }
  for (const run of runs) {
    const requests = perSlice * SLICES
    const cpu = run.target.pid && run.cpu / requests
    const cell = summarise({ scenario: scenario.name, target: run.target.name, round, requests, cpu }, run)
    session.cells.push(cell)
    const problem = problemOf({ cell, scenario, ...run })
    if (problem) session.refused.set(cell.target, `${scenario.name}: ${problem}`)
  }
}

async function takeSlice(session, scenario, run, requests) {
  const { askUpstream } = session.stage
  const cpuBefore = await cpuWhenQuiet(run.target)
  const before = await askUpstream('counts')
  const { samples, bad, seconds } = await load(session, scenario, run.target, requests)
  const cpuAfter = await cpuWhenQuiet(run.target)
  const after = await askUpstream('counts')
  for (const name of Object.keys(after)) run.seen[name] = (run.seen[name] ?? 0) + after[name] - before[name]
  if (cpuBefore !== undefined) run.cpu += cpuAfter - cpuBefore
  run.samples.push(...samples)
  run.bad.push(...bad)
  run.seconds += seconds
}

// Work that a worker put off until after its answers belongs to them, so a reading waits for silence.
async function cpuWhenQuiet({ pid }) {
  if (pid === undefined) return undefined
  await untilQuiet(pid)
  return cpuMicros(pid)
}

function summarise(cell, { samples, seconds }) {
  const of = (name) => (samples.length > 0 ? samples.map((sample) => sample[name]) : [0])
  return {
    ...cell,
    perSecond: samples.length / seconds,
    firstMs: median(of('first')),
    totalMs: median(of('total')),
    total99Ms: percentile(of('total'), 0.99),
    spreadMs: median(of('spread')),
    pauseMs: median(of('longestGap')),
  }
}

async function checkLogs(session, isLast) {
  const expected = session.baseline + session.sent
  // The last time it waits whatever it finds: there might be rows too many.
  const rows = await logRows(session, isLast ? Number.MAX_SAFE_INTEGER : expected)
  session.logs = { rows: rows - session.baseline, requests: session.sent }
  const problem = logProblem(session.logs.rows, session.sent)
  if (!problem) return
  for (const { name } of session.stage.targets.filter(({ logged }) => logged))
    session.refused.set(name, problem)
}
