import { createServer, request as httpRequest } from 'node:http'

// workerd refuses an answer to send() or sendBatch() without these.
const QUEUE_ANSWER = JSON.stringify({
  metadata: { metrics: { backlogCount: 0, backlogBytes: 0, oldestMessageTimestamp: 0 } },
})

/**
 * Takes the binding operations of the measured worker. Queue messages and objects for R2 stop here, at the price of one
 * cheap answer (the load shares this core); everything else goes on to the bridge worker and its real bindings.
 */
export function serveBindings({ socketPath, bridgeUrl, queues, buckets, held, heldPuts }) {
  const server = createServer({ keepAliveTimeout: 0 }, (request, response) => {
    const binding = request.headers['x-bench-binding']
    if (queues.has(binding)) takeMessages(binding, request, response, held)
    else if (buckets.has(binding) && request.method === 'PUT') takeObject(request, response, heldPuts)
    else forward(bridgeUrl, request, response)
  })
  return new Promise((resolve) => server.listen(socketPath, resolve))
}

/** Sends an operation that was held on to the bridge. */
export async function carryOut(bridgeUrl, { url, headers, pieces }) {
  const body = Buffer.concat(pieces)
  const answer = await fetch(new URL(url, bridgeUrl), { method: 'PUT', headers: ownHeaders(headers), body })
  if (!answer.ok) throw new Error(`PUT ${url} answered ${answer.status}`)
  await answer.arrayBuffer()
}

function takeObject(request, response, heldPuts) {
  whenRead(request, (pieces) => {
    const answer = heldPuts.keep({ url: request.url, headers: request.headers, pieces })
    response.setHeader('cf-r2-metadata-size', String(answer.length))
    response.setHeader('content-length', String(answer.length))
    response.end(answer)
  })
}

function takeMessages(queue, request, response, held) {
  whenRead(request, (pieces) => {
    const body = Buffer.concat(pieces)
    if (request.url === '/message')
      held.keep({ queue, contentType: request.headers['x-msg-fmt'] ?? 'v8', body })
    if (request.url === '/batch') {
      for (const message of JSON.parse(body.toString()).messages) {
        const contentType = message.contentType ?? 'v8'
        held.keep({ queue, contentType, body: Buffer.from(message.body, 'base64') })
      }
    }
    response.setHeader('content-type', 'application/json')
    response.end(QUEUE_ANSWER)
  })
}

function whenRead(request, use) {
  const pieces = []
  request.on('data', (piece) => pieces.push(piece))
  request.on('end', () => use(pieces))
}

const CONNECTION = new Set(['host', 'connection', 'content-length', 'transfer-encoding'])
const ownHeaders = (headers) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !CONNECTION.has(name)))

function forward(bridgeUrl, request, response) {
  const { host: _host, connection: _connection, ...headers } = request.headers
  const options = { method: request.method, path: request.url, headers }
  const outgoing = httpRequest(bridgeUrl, options, (answer) => {
    response.writeHead(answer.statusCode, answer.statusMessage, answer.headers)
    answer.pipe(response)
  })
  outgoing.on('error', (error) => {
    console.error(`[services] ${request.method} ${request.url}: ${error.message}`)
    response.writeHead(502).end()
  })
  request.pipe(outgoing)
}
