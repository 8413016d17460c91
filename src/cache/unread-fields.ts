/**
 * The names of fields that the decoders of requests read or keep below the top of a body, in any protocol and spelling.
 * What has another name is not in the canonical request, and goes to a provider of the same protocol all the same.
 */
const READ: ReadonlySet<string> = new Set([
  ...['type', 'role', 'name', 'content', 'text', 'id', 'status', 'index', 'cachecontrol', 'ttl', 'refusal'],
  ...['imageurl', 'url', 'detail', 'inputaudio', 'data', 'format', 'file', 'fileid', 'filename', 'filedata'],
  ...['fileurl', 'videourl', 'source', 'mediatype', 'mimetype', 'fileuri', 'displayname', 'inlinedata'],
  ...['title', 'context', 'citations', 'annotations', 'logprobs', 'audio', 'transcript', 'summary', 'parsed'],
  ...[
    'toolcalls',
    'toolcallid',
    'tooluseid',
    'callid',
    'function',
    'functioncall',
    'custom',
    'arguments',
    'input',
  ],
  ...['output', 'iserror', 'functionresponse', 'args', 'response', 'parts', 'thought', 'thoughtsignature'],
  ...['reasoning', 'reasoningcontent', 'reasoningdetails', 'thinking', 'signature', 'encryptedcontent'],
  ...['extracontent', 'google', 'description', 'parameters', 'strict', 'grammar', 'syntax', 'definition'],
  ...['inputschema', 'parametersjsonschema', 'functiondeclarations', 'schema', 'jsonschema', 'allowedtools'],
  ...['mode', 'tools', 'allowedfunctionnames', 'functioncallingconfig', 'disableparalleltooluse'],
  ...['budgettokens', 'effort', 'includeusage', 'includethoughts', 'thinkingbudget', 'thinkinglevel'],
  ...['verbosity', 'enabled', 'exclude', 'maxtokens', 'generatesummary', 'promptcachebreakpoint'],
])

/** Values that are the client's own and enter the key whole, or say nothing, or whose unknown fields are extras. */
const OWN: ReadonlySet<string> = new Set([
  ...[
    'parameters',
    'schema',
    'inputschema',
    'parametersjsonschema',
    'args',
    'response',
    'metadata',
    'labels',
  ],
  ...[
    'responseschema',
    'generationconfig',
    'streamoptions',
    'responsejsonschema',
    'logitbias',
    'citations',
    'annotations',
  ],
])

/**
 * What stands below the top of a request's body under names that no decoder knows, by path; undefined when there is
 * nothing, as in nearly all requests. Unknown fields at the top are the canonical request's extras.
 */
export function unreadFields(body: Readonly<Record<string, unknown>>): Record<string, unknown> | undefined {
  const unread: [string, unknown][] = []
  const look = (value: unknown, path: string): void => {
    if (Array.isArray(value)) for (const [index, one] of value.entries()) look(one, `${path}.${index}`)
    else if (typeof value === 'object' && value !== null)
      for (const [key, inner] of Object.entries(value)) lookAt(key, inner, `${path}.${key}`)
  }
  const lookAt = (key: string, inner: unknown, path: string) => {
    const name = plain(key)
    if (!READ.has(name) && !OWN.has(name)) {
      if (inner !== null) unread.push([path, inner])
    } else if (!OWN.has(name) && !(name === 'input' && !Array.isArray(inner))) look(inner, path)
  }
  for (const [key, value] of Object.entries(body)) if (!OWN.has(plain(key))) look(value, key)
  return unread.length === 0 ? undefined : Object.fromEntries(unread)
}

function plain(key: string): string {
  return key.replaceAll('_', '').toLowerCase()
}
