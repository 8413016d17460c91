import type { Target, UrlStyle } from './target'
import { joinPath } from './upstream-url'

/** The URL of an operation: its path behind the target's base, or where the endpoint has it instead. */
export function operationUrl(target: Target, path: string, isStream: boolean): string {
  const { url, urlStyle, upstreamModel } = target
  return joinPath(url, urlStyle === undefined ? path : styles[urlStyle](path, upstreamModel, isStream))
}

const styles: Readonly<Record<UrlStyle, (path: string, model: string, isStream: boolean) => string>> = {
  // The list of models is not one of a deployment.
  'azure-deployments': (path, model) =>
    model === '' ? path : `/deployments/${encodeURIComponent(model)}${path}`,
  // As Anthropic's SDK for Vertex AI does; the `@` before a model's date stands there as it is.
  'vertex-anthropic'(path, model, isStream) {
    if (path.startsWith('/messages/count_tokens')) return '/models/count-tokens:rawPredict'
    if (!path.startsWith('/messages')) return path
    const name = encodeURIComponent(model).replaceAll('%40', '@')
    return `/models/${name}:${isStream ? 'streamRawPredict' : 'rawPredict'}`
  },
}
