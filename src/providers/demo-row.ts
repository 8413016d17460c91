import type { Target } from './target'

/** The provider inside the worker, so that a first call needs nothing from outside. */
export const demoProvider = {
  providerId: 'demo',
  models: ['echo'],
  target: {
    providerId: 'demo',
    protocol: 'openai-chat',
    traits: {},
    url: 'https://demo.invalid/v1',
    auth: { kind: 'none' },
    credential: { kind: 'none' },
    builtIn: true,
    prices: { inputCost: 0, outputCost: 0, cacheHitInputCost: 0, cacheCreationInputCost: 0 },
  } satisfies Omit<Target, 'model' | 'upstreamModel'>,
} as const
