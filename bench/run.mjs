// npm run bench: CPU per request of the gateway beside a floor worker and a direct connection. See README.md.
import { writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { sizeOf, startupProfile } from './lib/build.mjs'
import { cleanUpOnExit } from './lib/children.mjs'
import { coreBusyMicros, cpuMicros, describeMachine } from './lib/machine.mjs'
import { summarise, tables, weights } from './lib/report.mjs'
import { runRounds } from './lib/rounds.mjs'
import { scenarios } from './lib/scenarios.mjs'
import { buildAll, setStage, startupCost } from './lib/stage.mjs'

const MUCH_OTHER_WORK = 0.1

const USAGE = `usage: npm run bench -- [options]
  --rounds N       rounds, 3 unless told
  --only A,B       only these scenarios: ${scenarios.map(({ name }) => name).join(', ')}
  --quick          one round of a quarter of the requests: a smoke test, not a measurement
  --json FILE      also write everything that was measured to FILE
  --root FOLDER    the project to measure, this one unless told`

async function main() {
  const options = readOptions()
  cleanUpOnExit()
  say('building both workers')
  const built = buildAll(options.root)
  const workers = [built.gateway, built.consumer].map(({ name, config, build }) => {
    say(`start-up profile: ${name}`)
    return {
      name,
      size: sizeOf(build),
      profileMs: startupProfile(options.root, config, join(build.folder, '..')),
    }
  })
  say('starting upstream, services, floor and gateway')
  const cached = options.scenarios.some((scenario) => scenario.cached)
  const limited = options.scenarios.some((scenario) => scenario.limited)
  const stage = await setStage(options.root, built, { cached, limited })
  workers[0].startMs = await startupCost(options.root, stage)
  const others = watchCore(stage)
  const result = await runRounds({ stage, say, ...options })
  result.othersShare = others()
  const summaries = summarise(options.scenarios, result)
  say('')
  print({ summaries, workers, result, machine: describeMachine(stage.cores), options })
  if (options.json)
    save(options.json, { summaries, workers, ...result, machine: describeMachine(stage.cores) })
  return result.refused.size === 0 ? 0 : 1
}

// The share of its time that the worker's core gave to something else, which makes every figure worse.
function watchCore({ cores, targets }) {
  const own = () => targets.reduce((sum, { pid }) => sum + (pid ? cpuMicros(pid) : 0), 0)
  const others = () => coreBusyMicros(cores.worker) - own()
  const [began, before] = [performance.now(), others()]
  return () => {
    const share = (others() - before) / 1000 / (performance.now() - began)
    return Number.isNaN(share) ? undefined : Math.max(0, share)
  }
}

function readOptions() {
  const text = { type: 'string' }
  const flag = { type: 'boolean' }
  const declared = { rounds: text, only: text, quick: flag, json: text, root: text, help: flag }
  let values
  try {
    values = parseArgs({ options: declared }).values
  } catch (error) {
    stop(`${error.message}\n${USAGE}`)
  }
  if (values.help) stop(USAGE, 0)
  const names = values.only?.split(',')
  const unknown = names?.find((name) => !scenarios.some((scenario) => scenario.name === name))
  if (unknown !== undefined) stop(`no scenario ${unknown}\n${USAGE}`)
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 3))
  if (!Number.isInteger(rounds) || rounds < 1) stop(USAGE)
  return {
    rounds,
    share: values.quick ? 0.25 : 1,
    scenarios: scenarios.filter(({ name, extra }) => (names ? names.includes(name) : !extra)),
    json: values.json,
    root: resolve(values.root ?? join(dirname(fileURLToPath(import.meta.url)), '..')),
  }
}

function stop(text, code = 2) {
  console.error(text)
  process.exit(code)
}

function say(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
  else if (text) console.error(text)
}

function print({ summaries, workers, result, machine, options }) {
  console.log(`${machine}; Node ${process.versions.node}`)
  console.log(`${options.rounds} rounds, figures are medians of rounds [least..most]${warning(options)}\n`)
  for (const line of tables(summaries)) console.log(line)
  console.log('')
  for (const line of weights(workers)) console.log(line)
  console.log(`\nlogs: ${result.logs.rows} rows in D1 for ${result.logs.requests} requests`)
  if (result.othersShare !== undefined) {
    const advice = result.othersShare > MUCH_OTHER_WORK ? ': TOO MUCH, measure again on a quiet machine' : ''
    const percent = (result.othersShare * 100).toFixed(0)
    console.log(`the worker's core was busy with other things for ${percent} % of the time${advice}`)
  }
  for (const [name, reason] of result.refused) console.log(`REFUSED to report ${name}: ${reason}`)
}

const warning = ({ rounds }) => (rounds < 3 ? ' (too few rounds to judge by)' : '')

function save(file, { refused, ...rest }) {
  writeFileSync(file, `${JSON.stringify({ ...rest, refused: Object.fromEntries(refused) }, null, 2)}\n`)
}

process.exitCode = await main()
process.exit()
