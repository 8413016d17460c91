/** The local secrets in .dev.vars, which `wrangler dev` gives to the gateway. */
import { randomBytes, randomInt } from 'node:crypto'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'

const comment = '# Local secrets, made by `npm start`. Add the keys of providers: OPENAI_API_KEY=sk-...\n'

const makers = {
  ADMIN_KEY: newKey,
  DEV_API_KEY: newKey,
  ENCRYPTION_KEY: () => randomBytes(32).toString('base64'),
  // So that a model server on this machine can be a provider.
  ALLOW_PRIVATE_UPSTREAMS: () => 'true',
}

/** Adds the names that are missing from the file, readable by its owner only; returns all names and values. */
export function ensureDevVars(file) {
  const before = existsSync(file) ? readFileSync(file, 'utf8') : comment
  const missing = Object.keys(makers).filter((name) => !(name in parse(before)))
  const lines = missing.map((name) => `${name}=${makers[name]()}\n`).join('')
  const after = before.endsWith('\n') || before === '' ? before + lines : `${before}\n${lines}`
  if (missing.length > 0) writeFileSync(file, after, { mode: 0o600 })
  chmodSync(file, 0o600)
  return parse(after)
}

/** What the consumer worker needs too; wrangler looks for it beside that worker's configuration. */
const shared = ['ENCRYPTION_KEY', 'ALLOW_PRIVATE_UPSTREAMS']

/** Writes the shared ones of these values into the consumer's file, as they are now; what else is in it stays. */
export function shareDevVars(file, values) {
  const header = `# ${shared.join(' and ')} are copied from the gateway's .dev.vars by \`npm start\`.\n`
  const before = existsSync(file) ? readFileSync(file, 'utf8') : header
  const isShared = (line) => shared.some((name) => new RegExp(`^\\s*(export\\s+)?${name}\\s*=`).test(line))
  const others = before.split('\n').filter((line) => line !== '' && !isShared(line))
  const lines = shared.filter((name) => name in values).map((name) => `${name}=${values[name]}`)
  writeFileSync(file, `${[...others, ...lines].join('\n')}\n`, { mode: 0o600 })
  chmodSync(file, 0o600)
}

/** The names and values in a .dev.vars file; none when there is no file. */
export function readDevVars(file) {
  return existsSync(file) ? parse(readFileSync(file, 'utf8')) : {}
}

function parse(text) {
  const pattern = /^\s*(?:export\s+)?([\w.-]+)\s*=\s*(.*?)\s*$/gm
  return Object.fromEntries([...text.matchAll(pattern)].map(([, name, value]) => [name, unquote(value)]))
}

function unquote(value) {
  return /^(["'`])(.*)\1/.exec(value)?.[2] ?? value.replace(/\s+#.*$/, '')
}

// As the gateway makes them: a prefix of 8 that may be shown, a dot, and a secret of 32.
function newKey() {
  return `${base62(8)}.${base62(32)}`
}

function base62(length) {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
  return Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('')
}
