import { rerank } from '../protocols/openai-media/rerank'
import { mediaEndpoints } from '../protocols/openai-media/table'
import type { Protocol } from '../protocols/protocol'
import { answerIn } from './answers'
import { BASES, type InferenceRoute } from './route'

/** The version in the path that some rerank clients have. */
const RERANK_VERSIONS = ['/v2/rerank', '/api/v2/rerank']

/** OpenAI's endpoints beside chat, and rerank. */
export const mediaRoutes: InferenceRoute[] = [
  ...Object.entries(mediaEndpoints).map(([path, protocol]) =>
    routeOf(
      protocol,
      BASES.map((base) => `${base}${path}`),
    ),
  ),
  routeOf(rerank, RERANK_VERSIONS),
]

function routeOf(protocol: Protocol, paths: string[]): InferenceRoute {
  return {
    method: 'POST',
    paths,
    auth: 'inference',
    logging: 'request',
    handle: (context) => answerIn(protocol, context),
  }
}
