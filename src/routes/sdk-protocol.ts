import type { Protocol } from '../protocols/protocol'
import { protocols } from '../protocols/table'

/**
 * The protocol in whose words an SDK reads what is no answer of a model's: a list, or an error before any route. The
 * headers that its calls have and the version in its paths are how the SDKs tell themselves apart.
 */
export function sdkProtocol({ headers, url }: Request): Protocol {
  if (headers.has('anthropic-version')) return protocols.anthropic
  const isContents = headers.has('x-goog-api-key') || VERSION.test(new URL(url).pathname)
  return isContents ? protocols.gemini : protocols['openai-chat']
}

const VERSION = /^(?:\/api)?\/v1(?:alpha|beta)\//
