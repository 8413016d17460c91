// The mock upstream, a process of its own: OpenAI chat completions as fast as Node can write prepared bytes.
import { createServer } from 'node:net'
import { chatEvents, chatReply, replies, streams } from './chat.mjs'
import { answer } from './children.mjs'
import { HttpReader } from './http-reader.mjs'

const SCAN_BYTES = 4096 // what is asked for is found here, also in a body of 512 KB
const counts = { requests: 0, keyed: 0, renamed: 0 }

const json = Object.fromEntries(
  Object.keys(replies).map((kind) => {
    const body = chatReply(kind)
    const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`
    return [kind, Buffer.concat([Buffer.from(head), body])]
  }),
)

// As a provider does: one HTTP chunk per event, even when many leave in one write.
const chunk = (event) =>
  Buffer.concat([Buffer.from(`${event.length.toString(16)}\r\n`), event, Buffer.from('\r\n')])
const SSE_HEAD = Buffer.from(
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n' +
    'cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n',
)
const LAST_CHUNK = Buffer.from('0\r\n\r\n')
const sse = Object.fromEntries(
  Object.keys(streams).flatMap((kind) =>
    [false, true].map((usage) => [`${kind}:${usage}`, chatEvents(kind, usage).map(chunk)]),
  ),
)
const burst = (kind) => Buffer.concat([SSE_HEAD, ...sse[kind], LAST_CHUNK])
const bursts = Object.fromEntries(Object.keys(sse).map((kind) => [kind, burst(kind)]))

function respond(socket, head, body) {
  counts.requests += 1
  if (head.includes('upstream-key')) counts.keyed += 1
  if (body.includes('"bench-upstream"')) counts.renamed += 1
  const kind = /@@([a-z0-9-]+)@@/.exec(body)?.[1]
  if (json[kind]) return socket.write(json[kind])
  const stream = streams[kind]
  if (!stream) return socket.end('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n')
  const key = `${kind}:${/"include_usage" *: *true/.test(body)}`
  if (stream.gapMs === 0) socket.write(bursts[key])
  else setTimeout(() => pace(socket, sse[key], stream.gapMs), stream.firstMs)
}

// The empty first event and the first content leave together, then one write per event.
function pace(socket, events, gapMs) {
  socket.write(Buffer.concat([SSE_HEAD, events[0], events[1]]))
  let next = 2
  const timer = setInterval(() => {
    if (socket.destroyed) return clearInterval(timer)
    socket.write(next === events.length - 1 ? Buffer.concat([events[next], LAST_CHUNK]) : events[next])
    next += 1
    if (next === events.length) clearInterval(timer)
  }, gapMs)
}

const server = createServer({ noDelay: true }, (socket) => {
  let head = ''
  let body = ''
  let tail = ''
  const reader = new HttpReader({
    onHead: (text) => {
      head = text
      body = ''
      tail = ''
    },
    onBody: (bytes) => {
      if (body.length < SCAN_BYTES) body += bytes.latin1Slice(0, Math.min(bytes.length, SCAN_BYTES))
      else tail = (tail + bytes.latin1Slice(Math.max(0, bytes.length - 300))).slice(-300)
    },
    onEnd: () => respond(socket, head, body + tail),
  })
  socket.on('data', (data) => reader.push(data))
  socket.on('error', () => socket.destroy())
})

server.listen(0, '127.0.0.1', () => process.send({ id: 'ready', value: server.address().port }))
answer({ counts: () => ({ ...counts }) })
