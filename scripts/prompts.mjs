/**
 * `npm run prompts -- pull|push|diff [folder] [--live] [--deploy]`: the gateway's prompts as files that a team keeps in
 * its repository. See docs/prompts.md.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { readDevVars } from './dev-vars.mjs'
import { lineDiff, parsePrompt, writtenPrompt } from './prompt-files.mjs'

const USAGE = 'npm run prompts -- pull|push|diff [folder] [--live] [--deploy]'

/** What is not a version's to say. */
const ABOUT_VERSION = new Set([
  ...['id', 'prompt_version_id', 'version', 'description', 'readonly', 'is_deployed', 'labels', 'edited_by'],
  ...['parent_prompt', 'created_at', 'updated_at'],
])

const words = process.argv.slice(2)
const flags = new Set(words.filter((word) => word.startsWith('--')))
const [command, folder = 'prompts'] = words.filter((word) => !word.startsWith('--'))
const commands = { pull, push, diff }
const known = new Set(['--live', '--deploy'])

if (commands[command] === undefined || [...flags].some((flag) => !known.has(flag))) fail(`Usage: ${USAGE}`)
const base = (process.env.SLUICE_URL ?? 'http://127.0.0.1:8787').replace(/\/$/, '')
const key = process.env.SLUICE_ADMIN_KEY ?? process.env.ADMIN_KEY ?? readDevVars('.dev.vars').ADMIN_KEY
if (key === undefined)
  fail('Set SLUICE_ADMIN_KEY to an API key with the admin role, or run in the folder of .dev.vars.')
try {
  process.exitCode = await commands[command](resolve(folder))
} catch (error) {
  fail(error.message)
}

/** Writes every prompt of the gateway into the folder; other files stay. */
async function pull(path) {
  mkdirSync(path, { recursive: true })
  const files = filesIn(path)
  for (const prompt of await stored()) {
    const file = files.get(prompt.slug) ?? `${prompt.slug}.md`
    writeFileSync(join(path, file), writtenPrompt(prompt, file))
    console.log(`wrote ${file}`)
  }
  return 0
}

/** Makes the gateway's prompts what the files say; what is the same already is left alone. */
async function push(path) {
  const there = new Map((await stored()).map((prompt) => [prompt.slug, prompt]))
  for (const prompt of read(path)) console.log(await pushed(prompt, there.get(prompt.slug)))
  return 0
}

/** Shows what a push would change: 1 when that is anything. */
async function diff(path) {
  const here = new Map(read(path).map((prompt) => [prompt.slug, prompt]))
  const there = new Map((await stored()).map((prompt) => [prompt.slug, prompt]))
  let different = 0
  for (const slug of new Set([...here.keys(), ...there.keys()])) {
    const [mine, theirs] = [here.get(slug), there.get(slug)].map((prompt) =>
      prompt === undefined ? '' : writtenPrompt(prompt, '.md'),
    )
    if (mine === theirs) continue
    different++
    const where = mine === '' ? ' (only at the gateway)' : theirs === '' ? ' (only in the folder)' : ''
    console.log(`${slug}${where}`)
    for (const line of lineDiff(theirs, mine)) console.log(`  ${line}`)
  }
  return different === 0 ? 0 : 1
}

async function pushed(prompt, before) {
  const { slug, name, description, tags, version } = prompt
  const about = { name, description, tags }
  if (before === undefined) await call('POST', '/api/prompts/', { ...about, prompt_slug: slug })
  else if (!isSame(about, { name: before.name, description: before.description, tags: before.tags }))
    await call('PATCH', `/api/prompts/${slug}/`, about)
  const path = `/api/prompts/${slug}/versions/`
  const deploy = flags.has('--deploy')
  if (before?.version !== undefined && isSame(version, before.version)) {
    if (!deploy || before.isLive) return `${slug}: as it is`
    await call('PATCH', `${path}${before.number}/`, { deploy })
    return `${slug}: deployed version ${before.number}`
  }
  const absent = Object.keys(before?.version ?? {}).filter((field) => version[field] === undefined)
  const cleared = Object.fromEntries(absent.map((field) => [field, null]))
  const saved = before?.isDraft
    ? await call('PATCH', `${path}${before.number}/`, { ...cleared, ...version, deploy })
    : await call('POST', path, { ...version, deploy })
  return `${slug}: ${deploy ? 'deployed' : 'saved'} version ${saved.version}`
}

function read(path) {
  if (!existsSync(path)) throw new Error(`There is no folder ${path}.`)
  return [...filesIn(path)].map(([slug, file]) => {
    try {
      return { slug, ...parsePrompt(readFileSync(join(path, file), 'utf8'), file) }
    } catch (error) {
      throw new Error(`${file}: ${error.message}`)
    }
  })
}

function filesIn(path) {
  const files = readdirSync(path).filter((file) => /^[A-Za-z0-9][\w.-]*\.(md|json)$/.test(file))
  return new Map(files.map((file) => [file.replace(/\.(md|json)$/, ''), file]))
}

/** Every prompt that has a version, in the shape of a file. */
async function stored() {
  const found = []
  for (let url = '/api/prompts/?page_size=100&sort_by=name'; url !== null; ) {
    const { results, next } = await call('GET', url)
    found.push(...results)
    url = next === null ? null : new URL(next).pathname + new URL(next).search
  }
  return found.flatMap((prompt) => {
    const version = flags.has('--live') ? prompt.live_version : prompt.current_version
    if (version === null) return []
    return [
      {
        slug: prompt.prompt_slug,
        name: prompt.name,
        description: prompt.description,
        tags: prompt.tags,
        version: fieldsOf(version),
        number: version.version,
        isLive: version.is_deployed,
        isDraft: !version.readonly,
      },
    ]
  })
}

/** What a version says, without what is as if it were not said. */
function fieldsOf(version) {
  const variables = Object.fromEntries(
    Object.entries(version.variables).filter(([, value]) => value !== null),
  )
  return Object.fromEntries(
    Object.entries({ ...version, variables }).filter(
      ([name, value]) =>
        !ABOUT_VERSION.has(name) &&
        value !== null &&
        !(name === 'stream' && value === false) &&
        !(name === 'missing_variables' && value === 'error') &&
        !(typeof value === 'object' && Object.keys(value).length === 0),
    ),
  )
}

async function call(method, path, body) {
  const response = await fetch(base + path, {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 500)}`)
  return text === '' ? undefined : JSON.parse(text)
}

function isSame(one, other) {
  return JSON.stringify(sorted(one)) === JSON.stringify(sorted(other))
}

function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const names = Object.keys(value).sort()
  return Object.fromEntries(names.map((name) => [name, sorted(value[name])]))
}

function fail(message) {
  console.error(message)
  process.exit(2)
}
