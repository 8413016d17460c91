/** `npm run size`: what a deploy would upload, and how long the gateway takes to start. Nothing is deployed. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runMain } from './processes.mjs'
import { ensureToolchain, readTool } from './toolchain.mjs'

const workers = [
  { name: 'gateway', config: 'wrangler.toml' },
  { name: 'consumer', config: 'src/consumer/wrangler.toml' },
]

await runMain(async () => {
  const node = await ensureToolchain()
  const folder = mkdtempSync(join(tmpdir(), 'sluice-size-'))
  const wrangler = (...args) => readTool(node, 'wrangler', args)
  try {
    for (const { name, config } of workers) {
      const outdir = join(folder, name)
      const said = await wrangler('deploy', '--dry-run', '--minify', '--outdir', outdir, '-c', config)
      console.log(`${name.padEnd(9)} ${pick(said, /gzip: ([\d.]+ KiB)/)} gzip, minified`)
    }
    const profile = join(folder, 'startup.cpuprofile')
    const said = await wrangler('check', 'startup', '--outfile', profile, '-c', 'wrangler.toml')
    console.log(`start-up  ${pick(said, /Active: ([\d.]+ ms)/)} of the gateway, on this machine`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

function pick(text, pattern) {
  const found = pattern.exec(text)?.[1]
  if (found === undefined) throw new Error(`wrangler did not say ${pattern}:\n${text}`)
  return found
}
