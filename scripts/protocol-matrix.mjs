/**
 * `npm run protocol-matrix`: writes the support matrix of docs/protocols.md from what is kept in test/golden.
 * With `--check` it only tells, by its exit code, whether the page is behind.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const golden = fileURLToPath(new URL('../test/golden', import.meta.url))
const page = fileURLToPath(new URL('../docs/protocols.md', import.meta.url))
const begin = '<!-- protocol-matrix: begin, written by npm run protocol-matrix -->'
const end = '<!-- protocol-matrix: end -->'
const pairsFolder = 'pairs'
const separator = '--'

/** What a file of a fixture shows, by its name. */
const shown = {
  'request.json': 'request',
  'reply.json': 'reply',
  'stream.sse': 'stream',
  'stream.b64': 'stream',
  'errors.json': 'errors',
}

/** The page with the matrix of a folder of fixtures; throws when it has no place for it. */
export function pageWithMatrix(text, folder) {
  const from = text.indexOf(begin)
  const to = text.indexOf(end)
  if (from === -1 || to < from) throw new Error(`The page has no place for the matrix: ${begin} ... ${end}`)
  return `${text.slice(0, from + begin.length)}\n\n${matrixOf(folder)}\n\n${text.slice(to)}`
}

/** Whether the page of this repository says what is in test/golden. */
export function isPageFresh() {
  const text = readFileSync(page, 'utf8')
  return pageWithMatrix(text, golden) === text
}

function matrixOf(folder) {
  const scenarios = namesIn(folder)
  const isPair = (name) => name === pairsFolder
  const protocols = sorted(
    scenarios.flatMap((scenario) => namesIn(join(folder, scenario)).filter((name) => !isPair(name))),
  )
  const natives = scenarios.map((scenario) => [
    scenario,
    ...protocols.map((protocol) => partsOf(folder, scenario, protocol)),
  ])
  const pairs = scenarios.flatMap((scenario) => pairsIn(folder, scenario))
  const crossings = sorted(pairs.map(({ client }) => client)).map((client) => [
    client,
    ...protocols.map((upstream) => (client === upstream ? 'raw' : tallyOf(pairs, client, upstream))),
  ])
  return `${table(['scenario', ...protocols], natives)}\n\n${table(['client', ...protocols], crossings)}`
}

function partsOf(folder, scenario, protocol) {
  if (!namesIn(join(folder, scenario)).includes(protocol)) return ''
  const parts = namesIn(join(folder, scenario, protocol)).map((name) => shown[name])
  return Object.values(shown)
    .filter((part, index, all) => parts.includes(part) && all.indexOf(part) === index)
    .join(', ')
}

function pairsIn(folder, scenario) {
  if (!namesIn(join(folder, scenario)).includes(pairsFolder)) return []
  return namesIn(join(folder, scenario, pairsFolder)).map((name) => {
    const [client, upstream] = name.replace(/\.json$/, '').split(separator)
    const { request } = JSON.parse(readFileSync(join(folder, scenario, pairsFolder, name), 'utf8'))
    const outcome = request.refused === undefined ? (request.losses.length === 0 ? 0 : 1) : 2
    return { client, upstream, outcome }
  })
}

/** How many scenarios are told in full, with losses, and not at all. */
function tallyOf(pairs, client, upstream) {
  const outcomes = pairs
    .filter((pair) => pair.client === client && pair.upstream === upstream)
    .map(({ outcome }) => outcome)
  return [0, 1, 2].map((wanted) => outcomes.filter((outcome) => outcome === wanted).length).join(' / ')
}

function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n')
}

function namesIn(folder) {
  return sorted(readdirSync(folder))
}

// By code unit: the same order on every machine, whatever its locale.
function sorted(names) {
  return [...new Set(names)].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (!process.argv.includes('--check')) {
    writeFileSync(page, pageWithMatrix(readFileSync(page, 'utf8'), golden))
  } else if (!isPageFresh()) {
    console.error('The matrix in docs/protocols.md is behind test/golden: npm run protocol-matrix')
    process.exitCode = 1
  }
}
