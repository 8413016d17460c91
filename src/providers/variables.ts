/** Other names of a worker variable, from the SDKs and gateways that people come from. */
const others: Readonly<Record<string, readonly string[]>> = {
  AZURE_OPENAI_RESOURCE: ['AZURE_RESOURCE_NAME'],
  AZURE_API_VERSION: ['AZURE_OPENAI_API_VERSION'],
  AWS_REGION: ['AWS_DEFAULT_REGION', 'AWS_REGION_NAME'],
  VERTEX_PROJECT: ['GOOGLE_CLOUD_PROJECT', 'VERTEXAI_PROJECT'],
  VERTEX_LOCATION: ['GOOGLE_CLOUD_LOCATION', 'VERTEXAI_LOCATION'],
}

/** A worker variable by its name or another one that it goes by. */
export function look(name: string, variable: (name: string) => string | undefined): string | undefined {
  for (const one of [name, ...(others[name] ?? [])]) {
    const value = variable(one)
    if (value !== undefined) return value
  }
  return undefined
}

/** A variable's names in words, for somebody who has to set one of them. */
export function namesOf(name: string): string {
  return [name, ...(others[name] ?? [])].join(' or ')
}
