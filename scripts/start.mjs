/** `npm start`: both workers on this machine, with everything that they need set up first. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { stripVTControlCharacters } from 'node:util'
import { ensureDevVars, shareDevVars } from './dev-vars.mjs'
import { migrateLocalDatabases } from './local-databases.mjs'
import { collect, onStop, runMain, stopGroup } from './processes.mjs'
import { ensureToolchain, root, startTool } from './toolchain.mjs'

const host = '127.0.0.1'
const readyWithinMs = 90_000
/** The local queue is in memory only: it hands on what it holds within a second, and the rows take a moment. */
const drainMs = 2000

await runMain(async () => {
  const port = readPort(process.env.PORT || '8787')
  await assertFree(port)
  const node = await ensureToolchain()
  const values = ensureDevVars(join(root, '.dev.vars'))
  const { DEV_API_KEY: apiKey } = values
  shareDevVars(join(root, 'src/consumer/.dev.vars'), values)
  await migrateLocalDatabases(node)
  return await serve(node, port, apiKey)
})

function readPort(text) {
  const port = Number(text)
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port
  throw new Error(`PORT is ${text}; it must be a number from 1 to 65535`)
}

// Wrangler would quietly take another port.
async function assertFree(port) {
  const server = createServer().listen(port, host)
  try {
    await once(server, 'listening')
  } catch (error) {
    throw new Error(`Port ${port} is not free (${error.code}). Choose another: PORT=${port + 1} npm start`)
  }
  await new Promise((resolve) => server.close(resolve))
}

async function serve(node, port, apiKey) {
  console.log('Starting the workers ...')
  const configs = ['-c', 'wrangler.toml', '-c', 'src/consumer/wrangler.toml']
  const address = ['--ip', host, '--port', String(port), '--inspector-port', '0']
  const stdio = ['ignore', 'pipe', 'pipe']
  const { child, ended } = startTool(node, 'wrangler', ['dev', ...configs, ...address], { stdio })
  const output = collect(child)

  let stopping = false
  let ready = false
  onStop(() => {
    // One stop comes as several signals: the terminal's, npm's, and that our parent is gone.
    if (stopping) return
    stopping = true
    setTimeout(() => stopGroup(child), ready ? drainMs : 0)
  })
  const base = `http://${host}:${port}`
  ready = await becomesHealthy(base, child, output)
  if (ready) {
    console.log(welcome(base, apiKey))
    child.stdout.pipe(process.stdout)
    child.stderr.pipe(process.stderr)
  } else if (!stopping) {
    stopGroup(child)
    await ended
    throw new Error(`The workers do not answer at ${base}/health. Wrangler said:\n\n${output()}`)
  }
  const code = await ended
  return stopping ? 0 : code
}

// After a failed build wrangler stays alive and waits for a change, so what it prints has to tell.
async function becomesHealthy(base, child, output) {
  const deadline = Date.now() + readyWithinMs
  while (Date.now() < deadline && child.exitCode === null && child.signalCode === null) {
    if (stripVTControlCharacters(output()).includes('[ERROR]')) return false
    if (await isHealthy(base)) return true
    await sleep(100)
  }
  return false
}

async function isHealthy(base) {
  try {
    return (await fetch(`${base}/health`, { signal: AbortSignal.timeout(2000) })).ok
  } catch {
    return false
  }
}

function welcome(base, apiKey) {
  return `
Sluice is ready at ${base} (Ctrl-C stops it).

  API key    ${apiKey}
  Admin key  ADMIN_KEY in .dev.vars; providers' keys go there too

Try it:

  curl -N ${base}/v1/chat/completions \\
    -H 'Authorization: Bearer ${apiKey}' \\
    -H 'Content-Type: application/json' \\
    -d '{"model": "demo/echo", "stream": true, "messages": [{"role": "user", "content": "Hello"}]}'

Or from code, with the OpenAI SDK:

  const client = new OpenAI({ baseURL: '${base}/v1', apiKey: '${apiKey}' })
  const messages = [{ role: 'user', content: 'Hello' }]
  const reply = await client.chat.completions.create({ model: 'demo/echo', messages })
`
}
