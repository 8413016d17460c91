import { knownModel, knownModels } from './known-models'

/**
 * What a built-in provider calls a model that a request names as its maker does, or as another provider does: for
 * clouds that serve the same models under other names. A name that the provider is known to have stays as it is, and so
 * does one that nothing is known of.
 * @param otherPrefix a prefix of the name that means another provider; routers have such prefixes in their own names
 */
export function nameThere(providerId: string, name: string, otherPrefix?: string): string {
  const names = otherPrefix === undefined ? [name] : [name, name.slice(otherPrefix.length + 1)]
  for (const one of names) {
    const found = dated(providerId, one) ?? listed(providerId, one)
    if (found !== undefined) return found
    if (knownModel(providerId, one) !== undefined) return one
  }
  return WITHOUT_MAKERS.has(providerId) ? (names.at(-1) ?? name) : name
}

/** Their names hold no slash behind the name of another provider: deployments, and Amazon's own ids. */
const WITHOUT_MAKERS: ReadonlySet<string> = new Set(['azure', 'bedrock'])

/** How a provider writes the day of a model, where it is not with a dash (Google Cloud, "Claude on Vertex AI"). */
const DATE_MARKS: Readonly<Record<string, string>> = { vertex_ai: '@' }
const DATED = /^(claude-.+)-(20\d{6})$/

function dated(providerId: string, name: string): string | undefined {
  const mark = DATE_MARKS[providerId]
  return mark !== undefined && DATED.test(name) ? name.replace(DATED, `$1${mark}$2`) : undefined
}

/** Amazon's ids: the places that serve it, the maker, the model, its day and its version. */
const LONG_ID = /^(?:[a-z-]+\.)?[a-z\d]+\.(.+?)(-20\d{6})?(?:-v\d+(?::\d+)?)?$/

function listed(providerId: string, name: string): string | undefined {
  return knownModels(providerId).find((id) => {
    const [, model, day = ''] = LONG_ID.exec(id) ?? []
    return model !== undefined && id !== name && (name === model || name === model + day)
  })
}
