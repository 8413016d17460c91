import { availableParallelism } from 'node:os'
import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'
import { testVariables } from './test/variables.ts'

/** Tests inside workerd, both workers in one. A file costs about a second: write few, larger ones. */
const workers = {
  plugins: [
    cloudflareTest(async () => ({
      wrangler: { configPath: './test/workers/wrangler.toml' },
      miniflare: {
        // A shield that no test meets which does not ask for it.
        ratelimits: { TEST_SHIELD: { namespace_id: '1', simple: { limit: 3, period: 60 } } },
        bindings: {
          ...testVariables,
          TEST_CONFIG_MIGRATIONS: await readD1Migrations('./migrations/config'),
          TEST_LOGS_MIGRATIONS: await readD1Migrations('./migrations/logs'),
        },
      },
    })),
  ],
  test: {
    name: 'workers',
    include: ['test/workers/**/*.test.ts'],
    setupFiles: ['./test/workers/setup.ts'],
  },
}

/** Tests in Node: of pure functions, and end to end over real ports. */
const node = {
  test: {
    name: 'node',
    environment: 'node',
    include: ['test/unit/**/*.test.ts', 'test/e2e/**/*.test.ts', 'test/architecture.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // The workers under test ask Cloudflare nothing.
    env: { CLOUDFLARE_CF_FETCH_ENABLED: 'false', WRANGLER_SEND_METRICS: 'false' },
    // Tests that run side by side mostly wait: for a log row, or for a deadline to pass.
    maxConcurrency: 20,
  },
}

export default defineConfig({
  test: {
    projects: [workers, node],
    // End-to-end tests mostly wait, for a log row or a deadline: one worker for each core leaves the cores idle.
    maxWorkers: Math.max(3, availableParallelism()),
    reporters: ['default', './scripts/tally-reporter.mjs'],
    // Miniflare tells of each batch that a queue delivers.
    onConsoleLog: (text) => !text.startsWith('[wrangler:info] QUEUE'),
  },
})
