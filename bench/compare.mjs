// node scripts/run.mjs bench/compare.mjs OTHER: CPU per request of this project beside another copy of it.
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { cleanUpOnExit } from './lib/children.mjs'
import { runLoad } from './lib/load.mjs'
import { cpuMicros, untilQuiet } from './lib/machine.mjs'
import { expectationOf, payloadOf, scenarios } from './lib/scenarios.mjs'
import { buildAll, setStage } from './lib/stage.mjs'
import { median } from './lib/statistics.mjs'

const USAGE = `usage: node scripts/run.mjs bench/compare.mjs OTHER [options]
  OTHER            the folder of another copy of the project, with its node_modules
  --only A,B       these scenarios instead of json-1k
  --rounds N       short rounds in which the copies take turns, 12 unless told`

async function main() {
  const text = { type: 'string' }
  const { values, positionals } = parseArgs({ options: { only: text, rounds: text }, allowPositionals: true })
  const [other] = positionals
  const rounds = Number(values.rounds ?? 12)
  const chosen = (values.only ?? 'json-1k')
    .split(',')
    .map((name) => scenarios.find((one) => one.name === name))
  if (!other || chosen.includes(undefined) || !Number.isInteger(rounds) || rounds < 1) throw new Error(USAGE)
  cleanUpOnExit()
  const here = join(dirname(fileURLToPath(import.meta.url)), '..')
  const roots = [resolve(other), here]
  const targets = []
  for (const root of roots) {
    const { targets: all } = await setStage(root, buildAll(root))
    targets.push(all.find(({ name }) => name === 'gateway'))
  }
  for (const scenario of chosen) print(scenario, await measure(scenario, targets, rounds))
}

async function measure(scenario, targets, rounds) {
  const requests = Math.max(scenario.connections, Math.round(scenario.requests / 2))
  for (const target of targets) await load(scenario, target, requests * 2)
  const costs = targets.map(() => [])
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? [0, 1] : [1, 0]
    for (const index of order) {
      const before = cpuMicros(targets[index].pid)
      await load(scenario, targets[index], requests)
      costs[index].push((cpuMicros(targets[index].pid) - before) / requests)
    }
  }
  return costs
}

async function load(scenario, target, requests) {
  const { connections } = scenario
  const [payload, expect] = [payloadOf(scenario, target), expectationOf(scenario, target)]
  const { bad } = await runLoad({ port: target.port, connections, requests, payload, expect })
  if (bad.length > 0) throw new Error(`${bad.length} wrong answers, such as: ${bad[0]}`)
  await untilQuiet(target.pid)
}

function print({ title }, [there, here]) {
  const ratio = median(here.map((cost, round) => cost / there[round]))
  const least = Math.min(...here) / Math.min(...there)
  const each = [there, here].map((costs) => `${median(costs).toFixed(0)} us`)
  console.log(
    `${title}: ${each.join(' there, ')} here; here/there ${ratio.toFixed(3)}, of the least ${least.toFixed(3)}`,
  )
}

await main()
process.exit()
