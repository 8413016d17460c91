import { streams } from './chat.mjs'

// A stream that takes its time must be handed on in its own time: content spread over at least half of it,
// and never a pause of a third of it. Medians, so that one hiccup of the machine refuses nobody.
const LEAST_SPREAD = 0.5
const LONGEST_PAUSE = 0.33

/**
 * Why the figures of this cell must not be reported, if so. `seen` is what the upstream counted meanwhile.
 */
export function problemOf({ cell, scenario, target, seen, bad }) {
  return answers(cell, bad) ?? upstream(cell, target, seen) ?? streaming(cell, scenario)
}

function answers({ requests }, bad) {
  return bad.length > 0 ? `${bad.length} of ${requests} answers were wrong, such as: ${bad[0]}` : undefined
}

// An answer that did not come from the upstream, or a request that was not rewritten, costs less.
function upstream({ requests }, target, seen) {
  if (target.hits)
    return seen.requests === 0 ? undefined : `${seen.requests} of ${requests} answers were not kept`
  if (seen.requests !== requests) return `the upstream saw ${seen.requests} of ${requests} requests`
  if (!target.rewritten) return undefined
  if (seen.keyed !== requests) return `the provider's key came with ${seen.keyed} of ${requests} requests`
  if (seen.renamed !== requests)
    return `the upstream's model came with ${seen.renamed} of ${requests} requests`
  return undefined
}

function streaming(cell, scenario) {
  const { events, gapMs } = streams[scenario.kind] ?? {}
  if (!gapMs || scenario.connections === 1) return undefined
  const nominal = (events - 2) * gapMs
  const [spread, pause] = [cell.spreadMs.toFixed(0), cell.pauseMs.toFixed(0)]
  if (cell.spreadMs >= nominal * LEAST_SPREAD && cell.pauseMs <= nominal * LONGEST_PAUSE) return undefined
  const shape = `${spread} ms from first to last byte, longest pause ${pause} ms`
  return `does not stream incrementally: ${shape} of a stream of ${nominal} ms`
}

/** Why a target that logs must not be reported: one row for each request, neither more nor less. */
export function logProblem(rows, expected) {
  if (rows === expected) return undefined
  const which = rows < expected ? 'logs missing' : 'more logs than requests'
  return `${which}: ${rows} rows in D1 for ${expected} requests`
}
