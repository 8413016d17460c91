/** `npm run check`: all checks that run nothing. With names of checks as arguments, only those. */
import { fileURLToPath } from 'node:url'
import { runMain } from './processes.mjs'
import { ensureToolchain, runTool } from './toolchain.mjs'

const biome = ['ci', '--error-on-warnings', `--colors=${process.stdout.isTTY ? 'force' : 'off'}`]

const checks = [
  { name: 'lint', title: 'Format and lint', tool: 'biome', args: [...biome, '.'] },
  { name: 'types', title: 'Types of the workers', tool: 'tsc', args: ['-p', '.'] },
  { name: 'types', title: 'Types of the tests', tool: 'tsc', args: ['-p', 'test'] },
]

/** Runs them until one fails; resolves to the exit code. */
export async function runChecks(node, names = []) {
  for (const { name, title, tool, args } of checks) {
    if (names.length > 0 && !names.includes(name)) continue
    heading(title)
    const code = await runTool(node, tool, args)
    if (code !== 0) return code
  }
  return 0
}

/** Says which step begins. */
export function heading(title) {
  console.log(`\n== ${title}`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await runMain(async () => await runChecks(await ensureToolchain(), process.argv.slice(2)))
}
