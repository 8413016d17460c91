/**
 * Objects that the gateway has put into R2 and the real bucket has not been given yet. R2 is another machine in
 * production; here its work would have the load's core, and a bucket that falls behind keeps bodies waiting in the
 * memory of the measured worker, which is no cost of the worker's.
 */
export function heldObjects(putForReal) {
  let held = []

  async function release() {
    const requests = held
    held = []
    for (const request of requests) await putForReal(request)
  }

  return {
    /** Keeps one put as it came, `{ url, headers, pieces }`, and returns the bytes that answer it. */
    keep(request) {
      held.push(request)
      const metadataBytes = Number(request.headers['cf-r2-metadata-size'])
      const { object } = JSON.parse(Buffer.concat(request.pieces, metadataBytes).toString())
      const size = request.pieces.reduce((sum, piece) => sum + piece.length, -metadataBytes)
      const described = { name: object, version: 'held', size, etag: 'held', uploaded: Date.now() }
      return Buffer.from(JSON.stringify({ ...described, httpFields: {}, customFields: [], checksums: {} }))
    },
    /** Carries out what is held through the real bucket. */
    release,
  }
}
