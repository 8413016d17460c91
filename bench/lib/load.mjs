import { connect } from 'node:net'
import { REPLY_END } from './chat.mjs'
import { HttpReader } from './http-reader.mjs'

const LIMIT_MS = 120_000

/**
 * Sends `requests` over that many keep-alive connections, one at a time on each, and checks every answer.
 * Returns seconds, per-request samples in ms, and what was wrong with answers, if anything was.
 */
export function runLoad({ port, connections, requests, payload, expect }) {
  const run = { port, payload, expect, left: requests, samples: [], bad: [], sockets: new Set() }
  const began = performance.now()
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer)
      for (const socket of run.sockets) socket.destroy()
      resolve({ seconds: (performance.now() - began) / 1000, samples: run.samples, bad: run.bad })
    }
    const timer = setTimeout(() => {
      run.bad.push(`only ${run.samples.length} of ${requests} answers came within ${LIMIT_MS / 1000} s`)
      run.left = 0
      finish()
    }, LIMIT_MS)
    run.done = () => {
      if (run.samples.length + run.bad.length >= requests) finish()
    }
    for (let i = 0; i < Math.min(connections, requests); i++) openConnection(run)
  })
}

function openConnection(run) {
  const socket = connect({ port: run.port, host: '127.0.0.1', noDelay: true })
  run.sockets.add(socket)
  let current
  const next = () => {
    current = undefined
    if (run.left <= 0) return
    run.left -= 1
    current = { start: performance.now(), pieces: [], bytes: 0, arrivals: [] }
    socket.write(run.payload)
  }
  const reader = new HttpReader({
    onHead: (text) => {
      if (current) current.status = Number(text.slice(9, 12))
    },
    onBody: (bytes) => {
      if (current) take(current, bytes, run.expect)
    },
    onEnd: () => {
      if (!current) return
      const problem = check(current, run.expect)
      if (problem) run.bad.push(problem)
      else run.samples.push(sampleOf(current))
      next()
      run.done()
    },
  })
  socket.on('connect', next)
  socket.on('data', (data) => {
    if (current) current.now = performance.now()
    reader.push(data)
  })
  socket.on('error', () => {})
  socket.on('close', () => {
    run.sockets.delete(socket)
    if (!current) return
    run.bad.push('the connection was closed in the middle of an answer')
    current = undefined
    run.done()
    if (run.left > 0) openConnection(run)
  })
}

function take(answer, bytes, expect) {
  answer.pieces.push(bytes)
  answer.bytes += bytes.length
  if (answer.first === undefined && (!expect.mark || bytes.includes(expect.mark))) answer.first = answer.now
  if (answer.arrivals.at(-1) !== answer.now) answer.arrivals.push(answer.now)
}

function check({ status, pieces, bytes }, expect) {
  if (status !== 200) return `status ${status}: ${Buffer.concat(pieces).toString('utf8', 0, 300)}`
  if (expect.count === undefined) {
    if (Math.abs(bytes - expect.bytes) > 256) return `${bytes} bytes instead of ${expect.bytes}`
    const tail = Buffer.concat(pieces.slice(-2)).toString('latin1').slice(-REPLY_END.length)
    return tail === REPLY_END ? undefined : `an answer that ends in ${tail}`
  }
  const text = Buffer.concat(pieces).latin1Slice()
  const events = text.split(expect.counted).length - 1
  if (events !== expect.count) return `${events} events instead of ${expect.count}`
  if (!text.endsWith(expect.end)) return `a stream that ends in ${text.slice(-60)}`
  return text.includes(expect.lastWord) ? undefined : 'a stream without its last word'
}

function sampleOf({ start, now, first, arrivals }) {
  let longestGap = 0
  for (let i = 1; i < arrivals.length; i++) longestGap = Math.max(longestGap, arrivals[i] - arrivals[i - 1])
  return { total: now - start, first: (first ?? now) - start, spread: now - (first ?? now), longestGap }
}
