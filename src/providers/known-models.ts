import models from './known-models.json'

const byProvider = new Map<string, readonly string[]>(Object.entries(models))

/** The model ids a built-in provider is known to have, sorted; [] where no price list tells. Made by `npm run known-models`. */
export function knownModels(providerId: string): readonly string[] {
  return byProvider.get(providerId) ?? []
}
