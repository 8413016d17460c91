import type { Target } from './target'

/** How Claude is asked on Vertex AI: the model stands in the path, and the version in the body. */
export const vertexClaude: Required<Pick<Target, 'urlStyle' | 'bodyEdits'>> = {
  urlStyle: 'vertex-anthropic',
  bodyEdits: { remove: ['model'], insert: { anthropic_version: 'vertex-2023-10-16' } },
}
