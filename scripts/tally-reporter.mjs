import { writeFileSync } from 'node:fs'

/**
 * A vitest reporter that ends a run with `N passed, N failed`. Vitest may print more after its reporters, so
 * scripts/test.mjs names a file to write the counts to and prints the line itself when vitest has ended.
 */
export default class TallyReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const tests = modules.flatMap((module) => [...module.children.allTests()])
    const count = (state) => tests.filter((test) => test.result().state === state).length
    // A file, or a suite's hook, that breaks fails no test of its own.
    const parts = modules.flatMap((module) => [module, ...module.children.allSuites()])
    const broken = parts.filter((part) => part.errors().length > 0).length + unhandledErrors.length
    const tally = { passed: count('passed'), failed: count('failed') + broken, skipped: count('skipped') }
    const file = process.env.SLUICE_TALLY_FILE
    if (file) writeFileSync(file, JSON.stringify(tally))
    else console.log(tallyLine(tally))
  }
}

/** The closing line of a test run. */
export function tallyLine({ passed, failed, skipped = 0 }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}
