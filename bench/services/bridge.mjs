import { serveNamespace } from './kv.mjs'
import { serveBucket } from './r2.mjs'

/**
 * The worker in process B that carries out binding operations, in the protocols in which workerd hands
 * them to `external` services, on its own bindings of the same names.
 */
export default {
  async fetch(request, env) {
    const name = request.headers.get('x-bench-binding')
    const binding = env[name]
    const serve = { D1Database: serveDatabase, KvNamespace: serveNamespace, R2Bucket: serveBucket }[
      binding?.constructor.name
    ]
    if (serve) return serve(request, binding)
    console.error(`bench bridge: no operations for binding ${name} (${binding?.constructor.name})`)
    return new Response('unknown binding', { status: 501 })
  },
}

// D1's client is JavaScript over a fetcher that it keeps, so its protocol needs no translation.
function serveDatabase(request, database) {
  const { pathname, search } = new URL(request.url)
  const headers = new Headers(request.headers)
  headers.delete('x-bench-binding')
  return database.fetcher.fetch(`http://d1${pathname}${search}`, {
    method: 'POST',
    headers,
    body: request.body,
  })
}
