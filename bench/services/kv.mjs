/** One operation in the protocol of a `kvNamespace` binding. */
export async function serveNamespace(request, namespace) {
  const url = new URL(request.url)
  const key = decodeURIComponent(url.pathname.slice(1))
  if (request.method === 'POST' && url.pathname === '/bulk/get')
    return readMany(await request.json(), namespace)
  if (request.method === 'GET') return key === '' ? list(url, namespace) : read(key, url, namespace)
  if (request.method === 'PUT') return write(key, url, request, namespace)
  if (request.method !== 'DELETE') return new Response('unknown operation', { status: 501 })
  await namespace.delete(key)
  return new Response()
}

const number = (url, name) => (url.searchParams.has(name) ? Number(url.searchParams.get(name)) : undefined)

async function read(key, url, namespace) {
  const options = { type: 'stream', cacheTtl: number(url, 'cache_ttl') }
  const { value, metadata } = await namespace.getWithMetadata(key, options)
  if (value === null) return new Response('Not Found', { status: 404 })
  return new Response(value, {
    headers: metadata === null ? {} : { 'cf-kv-metadata': JSON.stringify(metadata) },
  })
}

async function readMany({ keys, type, withMetadata }, namespace) {
  const values = withMetadata ? await namespace.getWithMetadata(keys, type) : await namespace.get(keys, type)
  return Response.json(Object.fromEntries(values))
}

async function write(key, url, request, namespace) {
  const metadata = request.headers.get('cf-kv-metadata')
  const options = {
    expiration: number(url, 'expiration'),
    expirationTtl: number(url, 'expiration_ttl'),
    metadata: metadata === null ? undefined : JSON.parse(metadata),
  }
  try {
    await namespace.put(key, await request.arrayBuffer(), options)
    return new Response()
  } catch (error) {
    const [, status = '500', statusText = error.message] = /failed: (\d{3}) (.*)/.exec(error.message) ?? []
    return new Response(null, { status: Number(status), statusText })
  }
}

async function list(url, namespace) {
  const found = await namespace.list({
    limit: number(url, 'key_count_limit'),
    prefix: url.searchParams.get('prefix'),
    cursor: url.searchParams.get('cursor'),
  })
  // The runtime expects metadata as JSON within the JSON.
  const keys = found.keys.map((key) => ({ ...key, metadata: key.metadata && JSON.stringify(key.metadata) }))
  return Response.json({ ...found, keys })
}
