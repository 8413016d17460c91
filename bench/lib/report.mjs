import { spread } from './statistics.mjs'

const KIB = 1024
const GATEWAY_GZIP_LIMIT = 150 * KIB

/**
 * Puts the cells of all rounds together: by scenario and target the CPU, the ratio to the floor of the same
 * round, the first content's delay after the floor's, and whether the scenario's limit is met.
 */
export function summarise(scenarios, { cells, refused }) {
  return scenarios.map((scenario) => {
    const own = cells.filter((cell) => cell.scenario === scenario.name && !refused.has(cell.target))
    const ofTarget = (name) =>
      new Map(own.filter((cell) => cell.target === name).map((cell) => [cell.round, cell]))
    const [floors, plains] = [ofTarget('floor'), ofTarget('plain')]
    const names = ['direct', 'floor', 'plain', 'asking', 'miss', 'gateway'].filter((name) =>
      own.some((cell) => cell.target === name),
    )
    const rows = names.map((name) =>
      targetRow(
        name,
        own.filter((cell) => cell.target === name),
        { floors, plains },
      ),
    )
    return {
      scenario,
      rows,
      verdict: verdict(
        scenario.limit,
        rows.find((row) => row.target === 'gateway'),
      ),
    }
  })
}

function targetRow(target, cells, { floors, plains }) {
  const each = (value) => spread(cells.map(value))
  const paired = cells.filter((cell) => floors.has(cell.round))
  const row = { target, firstMs: each((cell) => cell.firstMs), totalMs: each((cell) => cell.totalMs) }
  row.perSecond = each((cell) => cell.perSecond)
  if (cells[0].cpu !== undefined) row.cpu = each((cell) => cell.cpu)
  if (cells[0].cpu === undefined || paired.length === 0) return row
  row.ratio = spread(paired.map((cell) => cell.cpu / floors.get(cell.round).cpu))
  const beside = cells.filter((cell) => plains.has(cell.round))
  if (beside.length > 0) row.plain = spread(beside.map((cell) => cell.cpu / plains.get(cell.round).cpu))
  row.laterMs = spread(paired.map((cell) => cell.firstMs - floors.get(cell.round).firstMs))
  return row
}

function verdict(limit, row) {
  if (!limit || !row?.ratio) return undefined
  if (limit.plain && !row.plain) return undefined
  if (limit.plain) {
    const { mid, low, high } = row.plain
    const shown = [mid, low, high].map((number) => number.toFixed(2))
    const text = `CPU at most ${limit.plain} x plain, is ${shown[0]} [${shown[1]}..${shown[2]}]`
    return { text, met: mid <= limit.plain }
  }
  if (limit.ratio) return { text: `CPU at most ${limit.ratio} x floor`, met: row.ratio.mid <= limit.ratio }
  return {
    text: `first content at most ${limit.firstMs} ms after the floor's`,
    met: row.laterMs.mid <= limit.firstMs,
  }
}

/** The tables, as lines of text. */
export function tables(summaries) {
  const head = [
    'target',
    'CPU us/request',
    'ratio to floor',
    'first content ms',
    'whole ms',
    'req/s',
    'limit',
  ]
  const lines = [head]
  for (const { scenario, rows, verdict: judged } of summaries) {
    lines.push(
      [],
      [`${scenario.title}; ${scenario.connections} connection${scenario.connections > 1 ? 's' : ''}`],
    )
    for (const row of rows) {
      const limit =
        row.target === 'gateway' && judged ? `${judged.text}: ${judged.met ? 'met' : 'NOT met'}` : ''
      lines.push([
        `  ${row.target}`,
        range(row.cpu, 0),
        row.target === 'floor' ? '1' : range(row.ratio, 2),
        row.firstMs.mid.toFixed(2),
        row.totalMs.mid.toFixed(2),
        row.perSecond.mid.toFixed(0),
        limit,
      ])
    }
  }
  return aligned(lines)
}

/** Sizes and start-up CPU of the workers, as lines of text. */
export function weights(workers) {
  const head = ['worker', 'minified KiB', 'gzip KiB', 'start-up CPU ms (profile)', 'above floor ms', 'limit']
  const lines = workers.map(({ name, size, profileMs, startMs }) => {
    const met = size.gzip <= GATEWAY_GZIP_LIMIT ? 'met' : 'NOT met'
    const limit = name === 'gateway' ? `at most 150 KiB gzip: ${met}` : ''
    const sizes = [(size.bytes / KIB).toFixed(1), (size.gzip / KIB).toFixed(1)]
    return [name, ...sizes, profileMs?.toFixed(1) ?? '-', startMs?.toFixed(1) ?? '-', limit]
  })
  return aligned([head, ...lines])
}

function range(value, digits) {
  if (!value) return '-'
  const [mid, low, high] = [value.mid, value.low, value.high].map((number) => number.toFixed(digits))
  return low === high ? mid : `${mid} [${low}..${high}]`
}

// A line of one cell is a heading and does not widen its column.
function aligned(lines) {
  const columns = lines.filter((line) => line.length > 1)
  const widths = columns[0].map((_, i) => Math.max(...columns.map((line) => (line[i] ?? '').length)))
  return lines.map((line) =>
    line.length === 1
      ? line[0]
      : line
          .map((cell, i) => cell.padEnd(widths[i]))
          .join('  ')
          .trimEnd(),
  )
}
