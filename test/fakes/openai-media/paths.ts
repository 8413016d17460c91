/** The endpoints of OpenAI, and of those who copy them, that are no conversation. */
export const MEDIA_PATHS = new RegExp(
  [
    String.raw`\/embeddings$`,
    String.raw`(?<!\/chat)\/completions$`,
    String.raw`\/images\/(?:generations|edits|variations)$`,
    String.raw`\/audio\/(?:speech|transcriptions|translations)$`,
    String.raw`\/moderations$`,
    String.raw`\/rerank$`,
    String.raw`\/v1\/(?:files|batches)(?:\/|$)`,
  ].join('|'),
)
