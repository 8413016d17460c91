/** `npm run migrations -- --name what-changed`: writes a migration for each database whose schema changed. */
import { runMain } from './processes.mjs'
import { ensureToolchain, runTool } from './toolchain.mjs'

await runMain(async () => {
  const node = await ensureToolchain()
  const more = process.argv.slice(2)
  for (const config of ['drizzle.config.ts', 'drizzle.logs.config.ts']) {
    const code = await runTool(node, 'drizzle-kit', ['generate', '--config', config, ...more])
    if (code !== 0) return code
  }
})
