/** One operation in the protocol of an `r2Bucket` binding: metadata as JSON in front of the bytes. */
export async function serveBucket(request, bucket) {
  const { metadata, body } = await readRequest(request)
  const operation = operations[metadata.method]
  if (operation) return operation(metadata, bucket, body)
  console.error(`bench bridge: R2 ${metadata.method} is not carried over`)
  return new Response(null, { status: 501, headers: failure('not carried over by the bench', 10001) })
}

const operations = {
  async head({ object }, bucket) {
    return found(await bucket.head(object))
  },
  async get({ object: key, range, onlyIf }, bucket) {
    const options = { range: range && numbers(range), onlyIf: condition(onlyIf) }
    const object = await bucket.get(key, options)
    return object && onlyIf && !object.body ? preconditionFailed(object) : found(object)
  },
  async put({ object, customFields, httpFields, onlyIf }, bucket, body) {
    const stored = await bucket.put(object, body, {
      customMetadata: fields(customFields),
      httpMetadata: httpFields,
      onlyIf: condition(onlyIf),
    })
    return found(stored, onlyIf)
  },
  async delete({ object, objects }, bucket) {
    await bucket.delete(objects ?? object)
    return new Response()
  },
  async list({ limit, prefix, cursor, delimiter, startAfter, include }, bucket) {
    const names = include?.map((kind) => (kind === 0 ? 'httpMetadata' : 'customMetadata'))
    const listing = await bucket.list({ limit, prefix, cursor, delimiter, startAfter, include: names })
    const { objects, delimitedPrefixes, truncated } = listing
    const answer = { objects: objects.map(described), delimitedPrefixes, truncated, cursor: listing.cursor }
    return withMetadata(answer)
  },
}

async function readRequest(request) {
  const header = request.headers.get('cf-r2-request')
  if (header !== null) return { metadata: JSON.parse(header) }
  const size = Number(request.headers.get('cf-r2-metadata-size'))
  const bytes = await request.arrayBuffer()
  return { metadata: JSON.parse(new TextDecoder().decode(bytes.slice(0, size))), body: bytes.slice(size) }
}

const numbers = (range) =>
  Object.fromEntries(Object.entries(range).map(([name, value]) => [name, Number(value)]))
const fields = (list) => list && Object.fromEntries(list.map(({ k, v }) => [k, v]))

function condition(onlyIf) {
  if (!onlyIf) return undefined
  const etags = (list) => list?.map(({ type, value }) => (type === 'wildcard' ? '*' : value))[0]
  const date = (value) => (value === undefined ? undefined : new Date(Number(value)))
  return {
    etagMatches: etags(onlyIf.etagMatches),
    etagDoesNotMatch: etags(onlyIf.etagDoesNotMatch),
    uploadedBefore: date(onlyIf.uploadedBefore),
    uploadedAfter: date(onlyIf.uploadedAfter),
  }
}

function described(object) {
  const { md5, sha1, sha256, sha384, sha512 } = object.checksums.toJSON()
  return {
    name: object.key,
    version: object.version,
    size: object.size,
    etag: object.etag,
    uploaded: object.uploaded.getTime(),
    httpFields: object.httpMetadata ?? {},
    customFields: Object.entries(object.customMetadata ?? {}).map(([k, v]) => ({ k, v })),
    range: object.range,
    checksums: { 0: md5, 1: sha1, 2: sha256, 3: sha384, 4: sha512 },
  }
}

function found(object, onlyIf) {
  if (object === null && !onlyIf) {
    return new Response(null, { status: 404, headers: failure('The specified key does not exist.', 10007) })
  }
  return object === null ? preconditionFailed() : withMetadata(described(object), object.body)
}

function preconditionFailed(object) {
  const headers = failure('A pre-condition did not hold.', 10031)
  if (!object) return new Response(null, { status: 412, headers })
  const answer = withMetadata(described(object))
  for (const [name, value] of Object.entries(headers)) answer.headers.set(name, value)
  return new Response(answer.body, { status: 412, headers: answer.headers })
}

function withMetadata(metadata, body) {
  const json = new TextEncoder().encode(JSON.stringify(metadata))
  const headers = { 'content-type': 'application/json', 'cf-r2-metadata-size': String(json.length) }
  if (!body) return new Response(json, { headers })
  const { readable, writable } = new TransformStream()
  const write = async () => {
    const writer = writable.getWriter()
    await writer.write(json)
    writer.releaseLock()
    await body.pipeTo(writable)
  }
  write().catch((error) => console.error(`bench bridge: R2 read: ${error.message}`))
  return new Response(readable, { headers })
}

function failure(message, v4code) {
  return { 'cf-r2-error': JSON.stringify({ message, version: 1, v4code }) }
}
