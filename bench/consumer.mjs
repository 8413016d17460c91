// node scripts/run.mjs bench/consumer.mjs [BATCHES]: how fast the consumer stores logs, and what D1 does for each.
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createTestHarness } from 'wrangler'

const WARM_UP = 3
const RECORDS = 100

const root = fileURLToPath(new URL('..', import.meta.url))
const batches = Number(process.argv[2] ?? 30)
const harness = createTestHarness({
  root,
  workers: [
    {
      config: {
        name: 'consumer-load',
        main: join(dirname(fileURLToPath(import.meta.url)), 'services/consumer-load.mjs'),
        compatibility_date: '2026-10-23',
        d1_databases: [
          { binding: 'LOGS', database_name: 'sluice-logs', migrations_dir: resolve(root, 'migrations/logs') },
        ],
        r2_buckets: [{ binding: 'BODIES', bucket_name: 'sluice-bodies' }],
      },
    },
  ],
})

try {
  const { url } = await harness.listen()
  await harness.getWorker('consumer-load').applyD1Migrations('LOGS')
  const store = async (batch) => (await fetch(new URL(`/?batch=${batch}`, url))).json()
  for (let batch = 0; batch < WARM_UP; batch++) await store(batch)
  const sums = { calls: 0, statements: 0, rowsWritten: 0, acknowledged: 0 }
  const began = performance.now()
  for (let batch = 0; batch < batches; batch++) {
    const work = await store(WARM_UP + batch)
    for (const name of Object.keys(sums)) sums[name] += work[name]
  }
  const seconds = (performance.now() - began) / 1_000
  const logs = batches * RECORDS
  if (sums.acknowledged !== logs)
    throw new Error(`${logs - sums.acknowledged} of ${logs} logs were not stored`)
  console.log(`${logs} logs in batches of ${RECORDS}, one batch at a time`)
  console.log(`rows a second           ${Math.round(logs / seconds)}`)
  console.log(`D1 statements for a log ${(sums.statements / logs).toFixed(3)}`)
  console.log(`D1 rows written for one ${(sums.rowsWritten / logs).toFixed(2)}`)
  console.log(`D1 transactions a batch ${(sums.calls / batches).toFixed(2)}`)
} finally {
  await harness.close()
}
