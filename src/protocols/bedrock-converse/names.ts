/** Ids of calls must be of these. */
const LEGAL_ID = /^[a-zA-Z0-9_-]{1,64}$/
const MAX_DOCUMENT_NAME_LENGTH = 190

/** What may be the name of a tool. */
export const TOOL_NAMES = { illegal: /[^a-zA-Z0-9_-]/, maxLength: 64 }

/**
 * The id of a call in the history: as it is where that is legal, and otherwise one made of it, the same for
 * the call and its result in every turn.
 */
export function legalId(id: string): string {
  return LEGAL_ID.test(id) ? id : `${id.replaceAll(/[^a-zA-Z0-9_-]/g, '_').slice(0, 55)}_${hashOf(id)}`
}

/** Gives documents neutral names of the allowed characters; within a request each is given once. */
export function createDocumentNames(): (name: string | undefined) => string {
  const given = new Set<string>()
  return (name = '') => {
    const base = neutral(name)
    let unique = base
    for (let count = 2; given.has(unique); count++) unique = `${base}-${count}`
    given.add(unique)
    return unique
  }
}

function neutral(name: string): string {
  const plain = name
    .replace(/\.\w{1,5}$/, '')
    .replaceAll(/[^a-zA-Z0-9\s\-()[\]]/g, '-')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, MAX_DOCUMENT_NAME_LENGTH)
  return plain === '' ? 'document' : plain
}

// FNV-1a in 32 bits: short, and different for ids that differ in an illegal character only.
function hashOf(text: string): string {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0
  }
  return hash.toString(16).padStart(8, '0')
}
