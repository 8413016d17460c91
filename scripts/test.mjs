/** `npm test`: checks, then all tests. The last line is always the tally, also when it did not come to tests. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { heading, runChecks } from './check.mjs'
import { runMain } from './processes.mjs'
import { tallyLine } from './tally-reporter.mjs'
import { ensureToolchain, root, runTool } from './toolchain.mjs'

const tallyFile = join(root, `.wrangler/tally-${process.pid}.json`)

let tally = { passed: 0, failed: 0 }
await runMain(async () => {
  const node = await ensureToolchain()
  return (await runChecks(node)) || (await runTests(node))
})
// What ends badly without a failed test, such as a check or a timeout at the end, counts as one.
if (process.exitCode !== 0) tally.failed ||= 1
if (tally.failed > 0) process.exitCode = 1
console.log(`\n${tallyLine(tally)}`)

async function runTests(node) {
  heading('Tests')
  mkdirSync(join(root, '.wrangler'), { recursive: true })
  const args = ['run', ...process.argv.slice(2)]
  const code = await runTool(node, 'vitest', args, { env: { SLUICE_TALLY_FILE: tallyFile } })
  tally = takeTally() ?? tally
  return code
}

function takeTally() {
  try {
    return JSON.parse(readFileSync(tallyFile, 'utf8'))
  } catch {
    return undefined // vitest ended before its reporters did
  } finally {
    rmSync(tallyFile, { force: true })
  }
}
