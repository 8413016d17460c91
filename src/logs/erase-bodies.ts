import type { StoredBodies } from './bodies'

const MAX_TRIES = 5
/** A gzip member of nothing: header of 10 bytes, an end of the comment, an empty block, checksum and size. */
const EMPTY_MEMBER_BYTES = 10 + 1 + 2 + 8
const HAS_COMMENT = 0x10

/**
 * Takes the bodies of one log out of R2. In a packed object its member is overwritten by one of the same length that holds
 * nothing (RFC 1952: a comment fills it), so that all others stay where their rows say and the object still opens.
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

/** A gzip member of a length that holds nothing. */
export function emptyMember(length: number): Uint8Array {
  if (length < EMPTY_MEMBER_BYTES) throw new RangeError(`No gzip member has ${length} bytes.`)
  const member = new Uint8Array(length)
  member.set([0x1f, 0x8b, 8, HAS_COMMENT, 0, 0, 0, 0, 0, 0xff])
  member.fill(0x20, 10, length - 11)
  // The comment's end, a last block without content; checksum and size stay 0.
  member.set([0, 3, 0], length - 11)
  return member
}
