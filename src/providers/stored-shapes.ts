import * as z from 'zod/mini'

/** A usage as it is stored and sent: what `Usage` has. */
export const usageSchema = z.object({
  inputTokens: z.number(),
  cacheReadTokens: z.number(),
  cacheWrite5mTokens: z.number(),
  cacheWrite1hTokens: z.number(),
  outputTokens: z.number(),
  reasoningTokens: z.number(),
  audioInputTokens: z.number(),
  audioOutputTokens: z.number(),
  imageInputTokens: z.optional(z.number()),
})

/** Prices as they are stored and sent: what `ModelPrices` has, US dollars per million tokens. */
export const pricesSchema = z.object({
  inputCost: z.nullable(z.number()),
  outputCost: z.nullable(z.number()),
  cacheHitInputCost: z.nullable(z.number()),
  cacheCreationInputCost: z.nullable(z.number()),
})
