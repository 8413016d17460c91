import * as z from 'zod'

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
  imageInputTokens: z.number().optional(),
})

/** Prices as they are stored and sent: what `ModelPrices` has, US dollars per million tokens. */
export const pricesSchema = z.object({
  inputCost: z.number().nullable(),
  outputCost: z.number().nullable(),
  cacheHitInputCost: z.number().nullable(),
  cacheCreationInputCost: z.number().nullable(),
})
