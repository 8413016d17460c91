/** `node scripts/run.mjs <tool or script> ...`: runs it with the dependencies in place and a Node that it accepts. */
import { runMain } from './processes.mjs'
import { ensureToolchain, runTool } from './toolchain.mjs'

await runMain(async () => {
  const [tool, ...args] = process.argv.slice(2)
  return await runTool(await ensureToolchain(), tool, args)
})
