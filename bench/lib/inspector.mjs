import { SourceMap } from 'node:module'

/** Records a CPU profile of a worker over workerd's inspector while `work()` runs. */
export async function profileWhile(port, work) {
  const targets = await (await fetch(`http://127.0.0.1:${port}/json`)).json()
  const main =
    targets.find(({ webSocketDebuggerUrl }) => webSocketDebuggerUrl.endsWith('/main')) ?? targets[0]
  const socket = new WebSocket(main.webSocketDebuggerUrl)
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve)
    socket.addEventListener('error', () => reject(new Error('the inspector refused the connection')))
  })
  const call = caller(socket)
  await call('Profiler.enable')
  await call('Profiler.setSamplingInterval', { interval: 200 })
  await call('Profiler.start')
  await work()
  const { profile } = await call('Profiler.stop')
  socket.close()
  return profile
}

function caller(socket) {
  const waiting = new Map()
  let last = 0
  socket.addEventListener('message', ({ data }) => {
    const { id, result, error } = JSON.parse(data)
    if (error) waiting.get(id)?.reject(new Error(error.message))
    else waiting.get(id)?.resolve(result)
  })
  return (method, params = {}) =>
    new Promise((resolve, reject) => {
      last += 1
      waiting.set(last, { resolve, reject })
      socket.send(JSON.stringify({ id: last, method, params }))
    })
}

/**
 * Self time by function, the longest first: `{ where, ms }`; idle time is left out. `map` is the source map
 * of the bundle `file`.
 */
export function selfTimes({ nodes, samples, timeDeltas }, { file, map }) {
  const sources = new SourceMap(map)
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame, file, sources)]))
  const sums = new Map()
  samples.forEach((id, i) => {
    const where = names.get(id)
    if (where !== '(idle)' && where !== '(root)')
      sums.set(where, (sums.get(where) ?? 0) + timeDeltas[i] / 1000)
  })
  return [...sums].map(([where, ms]) => ({ where, ms })).sort((a, b) => b.ms - a.ms)
}

function nameOf({ functionName, url, lineNumber, columnNumber }, file, sources) {
  if (functionName.startsWith('(')) return functionName // (program), (garbage collector), (idle)
  const name = functionName || '(anonymous)'
  if (lineNumber < 0 || url === '') return `${name} in the runtime`
  const { originalSource, originalLine } = url.endsWith(file)
    ? sources.findEntry(lineNumber, columnNumber)
    : {}
  if (originalSource === undefined) return `${name} ${url.split('/').pop()}:${lineNumber + 1}`
  return `${name} ${originalSource.replace(/^.*?((src|node_modules)\/)/, '$1')}:${originalLine + 1}`
}
