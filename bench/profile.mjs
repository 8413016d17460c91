// npm run profile: where the gateway's JavaScript spends its time under the load of one scenario.
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { cleanUpOnExit } from './lib/children.mjs'
import { profileWhile, selfTimes } from './lib/inspector.mjs'
import { runLoad } from './lib/load.mjs'
import { cpuMicros, modernNode, untilQuiet } from './lib/machine.mjs'
import { expectationOf, payloadOf, scenarios } from './lib/scenarios.mjs'
import { buildAll, setStage } from './lib/stage.mjs'

const SHOWN = 30
const TIMES = 4 // so many times the requests that the bench sends in a round

const USAGE = `usage: npm run profile -- [SCENARIO] [options]
  SCENARIO         ${scenarios.map(({ name }) => name).join(', ')}; json-1k unless told
  --out FILE       also write the profile to FILE, which Chrome's DevTools and VS Code open
  --root FOLDER    the project to profile, this one unless told`

async function main() {
  const text = { type: 'string' }
  const { values, positionals } = parseArgs({ options: { out: text, root: text }, allowPositionals: true })
  const scenario = scenarios.find(({ name }) => name === (positionals[0] ?? 'json-1k'))
  if (!scenario) throw new Error(USAGE)
  const root = resolve(values.root ?? join(dirname(fileURLToPath(import.meta.url)), '..'))
  if (!globalThis.WebSocket) return runOnModernNode(root)
  cleanUpOnExit()
  const built = buildAll(root, { minify: false }) // with the names of the source
  const stage = await setStage(root, built, { inspector: true })
  const gateway = stage.targets.find(({ name }) => name === 'gateway')
  await run(gateway, scenario, scenario.requests)
  await untilQuiet(gateway.pid)
  const requests = scenario.requests * TIMES
  const before = cpuMicros(gateway.pid)
  const profile = await profileWhile(gateway.inspector, async () => {
    await run(gateway, scenario, requests)
    await untilQuiet(gateway.pid)
  })
  const cpu = (cpuMicros(gateway.pid) - before) / requests
  if (values.out) writeFileSync(values.out, JSON.stringify(profile))
  const file = built.gateway.build.modules[0]
  const map = JSON.parse(readFileSync(join(built.gateway.build.folder, `${file}.map`), 'utf8'))
  print(scenario, requests, cpu, selfTimes(profile, { file, map }))
}

// Node 20 has no WebSocket, which the inspector speaks.
function runOnModernNode(root) {
  process.exitCode = spawnSync(modernNode(root), process.argv.slice(1), { stdio: 'inherit' }).status
}

async function run(target, scenario, requests) {
  const { connections } = scenario
  const payload = payloadOf(scenario, target)
  const expect = expectationOf(scenario, target)
  const { bad } = await runLoad({ port: target.port, connections, requests, payload, expect })
  if (bad.length > 0) throw new Error(`${bad.length} wrong answers, such as: ${bad[0]}`)
}

function print(scenario, requests, cpu, times) {
  const sum = times.reduce((total, { ms }) => total + ms, 0)
  console.log(`${scenario.title}: ${requests} requests, ${cpu.toFixed(0)} us CPU each with the profiler on`)
  console.log('us/request  share  function (self time; (program) is workerd itself)')
  for (const { where, ms } of times.slice(0, SHOWN)) {
    const each = ((ms * 1000) / requests).toFixed(2).padStart(10)
    console.log(`${each}  ${((ms / sum) * 100).toFixed(1).padStart(4)}%  ${where}`)
  }
}

await main()
process.exit()
