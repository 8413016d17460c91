/** The local D1 databases in .wrangler/state. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { readTool, root } from './toolchain.mjs'

const databases = [
  { binding: 'CONFIG', migrations: 'migrations/config' },
  { binding: 'LOGS', migrations: 'migrations/logs' },
]

// Among the databases' own files: who deletes those deletes this as well.
const stamp = join(root, '.wrangler/state/v3/d1/sluice-applied-migrations')

/**
 * Applies the migrations that are not applied yet. Wrangler takes two seconds to find that there are none, so
 * it is not asked when the files are those of the last time. Both go through the gateway's configuration: a
 * configuration's folder is where its local state lies.
 */
export async function migrateLocalDatabases(node) {
  const pending = databases.filter(({ migrations }) => migrationFiles(migrations).length > 0)
  const wanted = fingerprint(pending)
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  for (const { binding } of pending) {
    await readTool(node, 'wrangler', ['d1', 'migrations', 'apply', binding, '--local', '-c', 'wrangler.toml'])
  }
  mkdirSync(dirname(stamp), { recursive: true })
  writeFileSync(stamp, wanted)
}

function migrationFiles(folder) {
  const path = join(root, folder)
  return existsSync(path) ? readdirSync(path).filter((name) => name.endsWith('.sql')) : []
}

function fingerprint(wanted) {
  const hash = createHash('sha256')
  // Another wrangler, or another name, may mean another place.
  for (const file of ['node_modules/wrangler/package.json', 'wrangler.toml']) add(file)
  for (const { migrations } of wanted) {
    for (const name of migrationFiles(migrations).sort()) add(`${migrations}/${name}`)
  }
  return hash.digest('hex')

  function add(file) {
    hash.update(`${file}\n`).update(readFileSync(join(root, file)))
  }
}
