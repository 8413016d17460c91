import type { StoredBodies } from './bodies'

const MAX_TRIES = 5
const HEADER = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]
/** DEFLATE blocks without content (RFC 1951, 3.2.3): a stored one, the same behind an empty one of fixed codes, the last. */
const STORED_BLOCK = [0, 0, 0, 0xff, 0xff]
const LONGER_BLOCK = [2, 0, 0, 0, 0xff, 0xff]
const LAST_BLOCK = [3, 0]
/** Checksum and size of nothing. */
const TRAILER_BYTES = 8

/**
 * Takes the bodies of one log out of R2. In a packed object its member is overwritten by one of the same length that holds
 * nothing, so that all others stay where their rows say and the object still opens.
 */
export async function eraseBodies(bucket: R2Bucket, stored: StoredBodies): Promise<void> {
  const alone = [stored.request, stored.response].flatMap((body) =>
    body?.kind === 'object' ? [body.key] : [],
  )
  if (alone.length > 0) await bucket.delete(alone)
  if (stored.packed !== undefined) await blank(bucket, stored.packed)
}

async function blank(bucket: R2Bucket, at: NonNullable<StoredBodies['packed']>): Promise<void> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const object = await bucket.get(at.key)
    if (object === null) return
    const bytes = new Uint8Array(await object.arrayBuffer())
    bytes.set(emptyMember(at.length), at.offset)
    // Another log of the same object may be erased at the same time.
    const written = await bucket.put(at.key, bytes, { onlyIf: { etagMatches: object.etag } })
    if (written !== null) return
  }
  throw new Error(`The object ${at.key} was changed by others all the time.`)
}

/**
 * A gzip member of a length that holds nothing: empty blocks of 5 and 6 bytes fill it. A comment in its header would be
 * simpler, but not every engine reads past one.
 */
export function emptyMember(length: number): Uint8Array {
  const room = length - HEADER.length - LAST_BLOCK.length - TRAILER_BYTES
  const longer = room % STORED_BLOCK.length
  const stored = (room - longer * LONGER_BLOCK.length) / STORED_BLOCK.length
  if (room < 0 || stored < 0) throw new RangeError(`No gzip member of nothing has ${length} bytes.`)
  const blocks = [
    ...Array.from({ length: longer }, () => LONGER_BLOCK),
    ...Array.from({ length: stored }, () => STORED_BLOCK),
  ]
  const member = new Uint8Array(length)
  member.set([...HEADER, ...blocks.flat(), ...LAST_BLOCK])
  return member
}
