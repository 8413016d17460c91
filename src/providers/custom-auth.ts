import type { WireProtocolId } from '../protocols/protocol'
import type { Auth, Target } from './target'
import { vertexClaude } from './vertex-claude'

/**
 * How a stored key is put on a call of a custom provider: as the cloud wants it whose host this is, else as the
 * protocol's own SDK sends it. The key may be plain, or JSON with a cloud's fields (`credential-fields.ts`).
 */
export function customAuth(protocol: WireProtocolId, url?: string): Auth {
  const host = url === undefined ? '' : new URL(url).hostname
  return clouds.find(({ hosts }) => hosts.test(host))?.auth ?? usual[protocol]
}

/** What a custom provider's endpoint wants beyond its protocol, by its host. */
export function customStyle(protocol: WireProtocolId, url: string): Pick<Target, 'urlStyle' | 'bodyEdits'> {
  return protocol === 'anthropic' && VERTEX.test(new URL(url).hostname) ? vertexClaude : {}
}

const VERTEX = /(?:^|[-.])aiplatform\.(?:\w+\.rep\.)?googleapis\.com$/
const clouds: readonly { hosts: RegExp; auth: Auth }[] = [
  {
    hosts: /\.(?:openai\.azure|cognitiveservices\.azure)\.com$/,
    auth: { kind: 'header', header: 'api-key' },
  },
  { hosts: VERTEX, auth: { kind: 'google' } },
  { hosts: /^bedrock-runtime[\w-]*\.[\w-]+\.amazonaws\.com$/, auth: { kind: 'aws' } },
]

const usual: Readonly<Record<WireProtocolId, Auth>> = {
  'openai-chat': { kind: 'bearer' },
  'openai-responses': { kind: 'bearer' },
  anthropic: { kind: 'header', header: 'x-api-key' },
  gemini: { kind: 'header', header: 'x-goog-api-key' },
  'bedrock-converse': { kind: 'aws' },
}
